import { AbortError, type HubConnection as OfficialConnection } from "@microsoft/signalr";
import {
  onAbort,
  Supervisor,
  type AbortSignalLike,
  type ConnectionAttempt,
  type ConnectionState,
  type Fault,
  type Policy,
} from "@holdfast/core";
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
  /** The connection that calls go to; undefined while there is none. */
  session: Session | undefined;
  /** As {@link session}, when calls need nothing but to be passed on. */
  plainHub: OfficialConnection | undefined;
  wasConnected = false;
  /** A planned change is under way: calls wait for its end, whatever becomes of calls otherwise. It settles when the change begins. */
  renewing: Promise<void> | undefined;
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
    const { resilience, target } = options;
    const { classify, clock, random, onEvent } = resilience;
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

  /**
   * As {@link session}, but not while a planned change of it is under way. One that is due begins here at the latest: the
   * timers of a page that slept, or of a busy machine, come late, and a call with a token that has ended would be refused.
   */
  steadySession(): Session | undefined {
    const { session } = this;
    if (session && this.#now() >= this.#renewAt) this.#renew(session);
    return this.renewing ? undefined : this.session;
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
    if (!this.wasConnected) return policy("signalr.start");
    const base = policy("signalr.reconnect");
    return this.#isDismissed ? { ...base, attempts: 1 } : this.#advice.policy(base);
  }

  #advise(fault: Fault, error: unknown): Fault {
    if (!this.wasConnected) return fault;
    const elapsedMs = this.session === undefined ? this.#now() - this.#lostAt : 0;
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
      if (this.session !== undefined) this.#options.noteLoss(reason);
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
      this.session = session;
      await rejoin(this.wasConnected);
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
    if (this.session !== session) return;
    this.session = undefined;
    this.plainHub = undefined;
    this.#lostAt = this.#now();
    this.#renewAt = Infinity;
    this.#stopRenewal?.();
    this.#stopRenewal = undefined;
  }

  #changed(state: ConnectionState, previous: ConnectionState): void {
    const { onReconnecting, onReconnected, onFailed } = this.#options;
    if (state.status === "connected") {
      const isReconnect = this.wasConnected;
      this.wasConnected = true;
      this.renewing = undefined;
      this.#advice.reset();
      this.#settle();
      if (isReconnect) onReconnected();
      return;
    }
    // Whoever waits for the end of a renewal hears why there is none.
    if (state.status === "closed" || state.status === "failed") this.renewing = undefined;
    if (state.status === "failed") {
      onFailed(this.#supervisor.lastError);
    } else if (previous.status === "connected" && state.status !== "closed") {
      const error = this.#supervisor.lastError;
      onReconnecting(this.renewing ? undefined : (error as Error | undefined));
    }
  }

  #settle(): void {
    const session = this.session;
    if (session === undefined) return;
    const { calls } = this.#options.resilience;
    const isSocket = session.wire.carrier === "WebSockets";
    if (calls.isPlain && isSocket) this.plainHub = session.hub;
    // A WebSocket is asked for its token once; the other transports with every request.
    if (!isSocket) this.#planRenewal(session);
  }

  #planRenewal(session: Session): void {
    const { clock, random, renewBeforeExpiry } = this.#options.resilience;
    const { token } = session.wire;
    // None is left when clocks differ by more than its life: the server will say when it is over.
    if (!renewBeforeExpiry || token === undefined || token.lifeMs <= 0) return;
    const share = earliestRenewal + random() * (latestRenewal - earliestRenewal);
    // From when it was issued: connecting takes a part of its life.
    this.#renewAt = token.since + token.lifeMs * share;
    this.#stopRenewal = clock.after(this.#renewAt - clock.now(), () => {
      this.#renew(session);
    });
  }

  /** Lets calls under way finish, while new ones wait, and then makes a new connection with a new token at once. */
  #renew(session: Session): void {
    this.#renewAt = Infinity;
    this.#stopRenewal?.();
    const quiet = new Promise<void>((resolve) => {
      this.#stopRenewal = this.#options.resilience.clock.after(quietMs, resolve);
      session.whenQuiet(resolve);
    });
    this.renewing = quiet.then(() => {
      if (this.session !== session) return;
      this.#stopRenewal?.();
      this.#supervisor.replace();
    });
  }

  #now(): number {
    return this.#options.resilience.clock.now();
  }
}
