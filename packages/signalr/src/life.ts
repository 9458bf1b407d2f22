import { AbortError, type HubConnection as OfficialConnection } from "@microsoft/signalr";
import {
  onAbort,
  Supervisor,
  type AbortSignalLike,
  type ConnectionAttempt,
  type ConnectionState,
  type EventListener,
  type Fault,
  type Policy,
} from "@holdfast/core";
import { lifetimeMs } from "./token.ts";
import type { PolicyData } from "./operations.ts";
import type { Resilience } from "./resilience.ts";
import { Session } from "./session.ts";
import { adviceFrom, type ReconnectAdvice, type UserPolicy } from "./user-policy.ts";
import { Wire } from "./wire.ts";

/** What a life is lived for. */
export interface LifeOptions {
  readonly resilience: Resilience;
  readonly target: string;
  readonly userPolicy: UserPolicy;
  readonly onEvent: EventListener | undefined;
  /** Makes an official connection on that wire, with the user's handlers. */
  readonly make: (
    wire: Wire,
    isFallback: boolean,
    onServerClose: (allows: boolean) => void,
  ) => OfficialConnection;
  /** The user's hook. */
  readonly rejoin: (isReconnect: boolean) => unknown;
  /** Hears why a connection that stood has ended, before anybody else. */
  readonly noteLoss: (reason: unknown) => void;
  readonly onReconnecting: (error: Error | undefined) => void;
  readonly onReconnected: () => void;
  /** It failed for good. */
  readonly onFailed: (error: unknown) => void;
}

// A token is renewed between these shares of its life, at random, as those of a crowd were made together.
const earliestRenewal = 0.75;
const latestRenewal = 0.9;
/** How long a planned renewal waits for calls under way, in milliseconds. */
const quietMs = 2_000;

/** What happens between `start()` and `stop()`: the supervisor's connection, and what only SignalR's needs. */
export class Life {
  readonly #options: LifeOptions;
  readonly #supervisor: Supervisor<Session>;
  readonly #advice: ReconnectAdvice;
  #session: Session | undefined;
  #plainHub: OfficialConnection | undefined;
  #wasConnected = false;
  #renewal: Renewal | undefined;
  #lostAt = 0;
  /** The server has closed the connection for good, and it shall be obeyed. */
  #isDismissed = false;
  /** Attempts in a row that negotiated and then could not connect. */
  #connectFailures = 0;
  /** By the clock. */
  #renewAt = Infinity;
  #stopRenewal: (() => void) | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#advice = adviceFrom(options.userPolicy);
    const { resilience, target, onEvent } = options;
    const { classify, clock, random } = resilience;
    this.#supervisor = new Supervisor<Session>({
      ...{ operation: "signalr.connect", target, onEvent, clock, random },
      // It only reads.
      policy: () => this.#policy() as Policy,
      classify: (error, wallNowMs) => this.#advise(classify(error, wallNowMs), error),
      open: (attempt) => this.#open(attempt),
      discard: (session) => {
        this.#forget(session);
        return session.close();
      },
      onState: (state, previous) => {
        this.#changed(state, previous);
      },
      discardTimeoutMs: 1_000,
      closedError: () => new AbortError("The connection was stopped before it was established."),
    });
  }

  /** The connection that calls go to; undefined while there is none. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * As {@link session}, but not while a planned change of it is under way. One that is due begins here at the latest: the
   * timers of a page that slept, or of a busy machine, come late, and a call with a token that has ended would be refused.
   */
  steadySession(): Session | undefined {
    const session = this.#session;
    if (session !== undefined && this.#renewAt !== Infinity && this.#now() >= this.#renewAt)
      this.#renew(session);
    return this.isRenewing ? undefined : this.#session;
  }

  /** As {@link session}, when calls need nothing but to be passed on. */
  get plainHub(): OfficialConnection | undefined {
    return this.#plainHub;
  }

  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /** A planned change is under way: calls wait for its end, whatever becomes of calls otherwise. */
  get isRenewing(): boolean {
    return this.#renewal !== undefined;
  }

  /** Waits for the end of a planned change, good or bad. */
  renewed(signal: AbortSignal): Promise<void> {
    const { promise } = this.#renewal ?? { promise: Promise.resolve() };
    return new Promise((resolve, reject) => {
      const stopListening = onAbort(signal, () => {
        reject(signal.reason as Error);
      });
      void promise.then(() => {
        stopListening();
        resolve();
      });
    });
  }

  start(signal?: AbortSignalLike): Promise<void> {
    return this.#supervisor.start(signal);
  }

  /** Waits for the connection; undefined when there is one. */
  ready(signal: AbortSignalLike): Promise<void> | undefined {
    return this.#supervisor.ready({ signal });
  }

  wake(): void {
    this.#supervisor.wake();
  }

  stop(): Promise<void> {
    return this.#supervisor.close();
  }

  #policy(): PolicyData {
    const { policy } = this.#options.resilience;
    if (!this.#wasConnected) return policy("signalr.start");
    const base = policy("signalr.reconnect");
    return this.#isDismissed ? { ...base, attempts: 1 } : this.#advice.policy(base);
  }

  #advise(fault: Fault, error: unknown): Fault {
    if (!this.#wasConnected) return fault;
    const elapsedMs = this.#session === undefined ? this.#now() - this.#lostAt : 0;
    return this.#advice.advise(fault, error, elapsedMs);
  }

  async #open(attempt: ConnectionAttempt): Promise<Session> {
    const { make, rejoin, resilience } = this.#options;
    const { clock, connectTimeoutMs, fallbackAfter } = resilience;
    const wire = new Wire(clock, connectTimeoutMs);
    const isFallback = fallbackAfter !== undefined && this.#connectFailures >= fallbackAfter;
    const hub = make(wire, isFallback, (allows) => {
      this.#isDismissed = !allows && resilience.onServerClose === "if-allowed";
    });
    const session = new Session(hub, wire);
    const lost = (reason?: unknown): void => {
      // Calls that are under way reject with this very error: it must be known before they do.
      if (this.#session !== undefined) this.#options.noteLoss(reason);
      attempt.lost(reason);
    };
    // The official start() has no timeout and stop() waits for it: what hangs is cut.
    const giveUp = (): void => {
      this.#forget(session);
      session.abandon();
    };
    const stopListening = onAbort(attempt.signal, giveUp);
    try {
      await session.open(lost);
      this.#session = session;
      await rejoin(this.#wasConnected);
      this.#connectFailures = 0;
      return session;
    } catch (error) {
      giveUp();
      if (!wire.isEstablished) this.#connectFailures = wire.isNegotiated ? this.#connectFailures + 1 : 0;
      throw error;
    } finally {
      stopListening();
    }
  }

  #forget(session: Session): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#plainHub = undefined;
    this.#lostAt = this.#now();
    this.#renewAt = Infinity;
    this.#stopRenewal?.();
    this.#stopRenewal = undefined;
  }

  #changed(state: ConnectionState, previous: ConnectionState): void {
    const { onReconnecting, onReconnected, onFailed } = this.#options;
    if (state.status === "connected") {
      const isReconnect = this.#wasConnected;
      this.#wasConnected = true;
      this.#endRenewal();
      this.#advice.reset();
      this.#settle();
      if (isReconnect) onReconnected();
      return;
    }
    // Whoever waits for the end of a renewal hears why there is none.
    if (state.status === "closed" || state.status === "failed") this.#endRenewal();
    if (state.status === "failed") {
      onFailed(this.#supervisor.lastError);
    } else if (previous.status === "connected" && state.status !== "closed") {
      const error = this.#supervisor.lastError;
      onReconnecting(this.isRenewing ? undefined : (error as Error | undefined));
    }
  }

  #settle(): void {
    const session = this.#session;
    if (session === undefined) return;
    const { calls } = this.#options.resilience;
    const isSocket = session.wire.carrier === "WebSockets";
    if (calls.isPlain && isSocket) this.#plainHub = session.hub;
    // A WebSocket is asked for its token once; the other transports with every request.
    if (!isSocket) this.#planRenewal(session);
  }

  #planRenewal(session: Session): void {
    const { clock, random, renewBeforeExpiry } = this.#options.resilience;
    const { token } = session.wire;
    if (!renewBeforeExpiry || token === undefined) return;
    const lifeMs = lifetimeMs(token, clock.wallNow());
    if (lifeMs <= 0) return; // Clocks differ by more than its life: the server will say when it is over.
    const share = earliestRenewal + random() * (latestRenewal - earliestRenewal);
    this.#renewAt = clock.now() + lifeMs * share;
    this.#stopRenewal = clock.after(lifeMs * share, () => {
      this.#renew(session);
    });
  }

  /** Lets calls under way finish, while new ones wait, and then makes a new connection with a new token at once. */
  #renew(session: Session): void {
    this.#renewAt = Infinity;
    this.#stopRenewal?.();
    this.#renewal = renewal();
    const replace = (): void => {
      if (this.#session !== session) return;
      this.#stopRenewal?.();
      this.#supervisor.replace();
    };
    this.#stopRenewal = this.#options.resilience.clock.after(quietMs, replace);
    session.whenQuiet(replace);
  }

  #endRenewal(): void {
    this.#renewal?.end();
    this.#renewal = undefined;
  }

  #now(): number {
    return this.#options.resilience.clock.now();
  }
}

interface Renewal {
  readonly promise: Promise<void>;
  end(): void;
}

function renewal(): Renewal {
  let end = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    promise,
    end: () => {
      end();
    },
  };
}
