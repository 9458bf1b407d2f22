import {
  onAbort,
  run,
  Supervisor,
  type Attempt,
  type ConnectionAttempt,
  type ConnectionState,
  type Lane,
} from "@holdfast/core";
import { spreadRenewal, type Credentials, type Identity, type TokenRenewal } from "./credentials.ts";
import { claim, keyOf, nameOf, release } from "./identities.ts";
import { InnerTransport, type Feature } from "./inner-transport.ts";
import { IdentityWatch } from "./identity-watch.ts";
import { closedError, connectionLost, timeoutError } from "./official-errors.ts";
import type { Callback, Connected, DeviceClientOptions, TransportConstructor } from "./official.ts";
import type { IotOperation } from "./operations.ts";
import type { Resilience } from "./resilience.ts";
import { SendWindow } from "./send-window.ts";
import { onPeerClose } from "./transport-internals.ts";
import { configure, renewByReplacing } from "./transport-options.ts";

/** What a link tells whoever owns it. */
export interface LinkListener {
  /** A transport was made and is about to connect: the place to attach listeners. */
  made(inner: InnerTransport): void;
  /** Connected, with everything subscribed. */
  connected(inner: InnerTransport): void;
  /** Given up for now: the credentials, or the device, are refused. */
  failed(error: unknown): void;
}

/** How long the acknowledgements in flight have when the connection is changed for another, in milliseconds. */
const drainMs = 5_000;

/** One device's connection: kept alive by the supervisor, one disposable official transport after the other. */
export class DeviceLink {
  /** What is switched on, on this connection and on each that follows. */
  readonly wanted = new Set<Feature>();
  options: DeviceClientOptions = {};
  readonly #Transport: TransportConstructor;
  readonly #credentials: Credentials;
  readonly #resilience: Resilience;
  readonly #listener: LinkListener;
  readonly #supervisor: Supervisor<InnerTransport>;
  readonly #window: SendWindow;
  #identity: string;
  #key: string;
  readonly #watch: IdentityWatch;
  #inFlight = 0;
  #stopSlowRetry: (() => void) | undefined;
  #isClosing = false;
  readonly #changes = new Set<() => void>();

  constructor(
    Transport: TransportConstructor,
    credentials: Credentials,
    resilience: Resilience,
    listener: LinkListener,
  ) {
    this.#Transport = Transport;
    this.#credentials = credentials;
    this.#resilience = resilience;
    this.#listener = listener;
    const known = credentials.identity instanceof Promise ? undefined : credentials.identity;
    this.#identity = known === undefined ? "device" : nameOf(known);
    this.#key = known === undefined ? "" : keyOf(known);
    this.#window = new SendWindow(resilience.gate(known?.host ?? ""), resilience);
    this.#watch = new IdentityWatch(resilience);
    this.#supervisor = new Supervisor<InnerTransport>({
      operation: "iot.connect",
      target: this.#identity,
      policy: () => resilience.policy("iot.connect"),
      classify: (error, wallNowMs) => this.#watch.classify(error, wallNowMs),
      clock: resilience.clock,
      random: resilience.random,
      onEvent: resilience.onEvent,
      open: (attempt) => this.#open(attempt),
      discard: (inner) => this.#discard(inner),
      onState: (state, previous) => this.#changed(state, previous),
      inFlight: () => this.#inFlight,
      minimumConnectedMs: resilience.minimumConnectedMs,
      spreadStartMs: resilience.spreadStartMs,
      discardTimeoutMs: drainMs + 1_500,
      timeoutError: (ms) => timeoutError("iot.connect", ms),
      closedError: () => closedError(this.#identity),
    });
  }

  /** `<hub>/<device>`, for events. */
  get name(): string {
    return this.#identity;
  }

  get current(): InnerTransport | undefined {
    return this.#supervisor.connection;
  }

  /** What the official `connect` answered. */
  get connected(): Connected {
    return this.current?.connected as Connected;
  }

  get isClosed(): boolean {
    return this.#supervisor.state.status === "closed" || this.#isClosing;
  }

  /** Connects, unless that is under way. */
  async start(): Promise<void> {
    if (!this.isClosed) this.#claim();
    this.#stopSlowRetry?.();
    await this.#supervisor.start();
  }

  /** Waits until it is connected; for ever, unless it is closed. */
  async whenConnected(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#supervisor.ready({ signal });
        return;
      } catch (error) {
        if (signal.aborted || this.isClosed) throw error;
        await this.#change(signal);
      }
    }
  }

  /** Resolves at the next change of the connection's state. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const stop = onAbort(signal, resolve);
      this.#changes.add(() => {
        stop();
        resolve();
      });
    });
  }

  /** Makes a new connection in place of a sound one, after what is in flight has been answered. */
  replace(): void {
    this.#supervisor.replace();
  }

  /**
   * Runs one operation under its policy, on whatever connection there is.
   *
   * @param work - one call of the official transport; it may be called on several.
   */
  run<T>(
    operation: IotOperation,
    work: (inner: InnerTransport, done: Callback<T>) => void,
    lane: Lane = "send",
    signal?: AbortSignal,
  ): Promise<T> {
    const { policy, classify, clock, random, onEvent } = this.#resilience;
    const isSend = operation === "iot.send" || operation === "iot.outbox";
    let inner: InnerTransport | undefined;
    let heard = 0;
    let attempts = 0;
    return run<T>(
      (attempt: Attempt) => {
        inner = this.#supervisor.connection;
        if (inner === undefined) throw connectionLost();
        const used = inner;
        [heard, attempts] = [used.heard, attempt.number];
        const beganAt = clock.now();
        return used.call<T>((done) => {
          work(used, (error, result) => {
            if (isSend && error == null) this.#window.acknowledged(beganAt);
            done(error, result);
          });
        });
      },
      {
        operation,
        target: this.#identity,
        policy: policy(operation),
        classify,
        clock,
        random,
        signal,
        onEvent,
        gate: isSend ? this.#window : undefined,
        lane,
        cost: 1,
        budget: undefined,
        breaker: undefined,
        ready: (scope) => this.#ready(scope),
        // The next attempt is the remedy: it finds another connection, or another token.
        act: () => undefined,
        timeoutError: (ms) => {
          const error = timeoutError(operation, ms);
          // Nothing was heard at all, or the second attempt is not answered either: the connection is dead, or this part of it.
          if (inner !== undefined && (inner.heard === heard || attempts > 1)) this.lose(inner, error);
          return error;
        },
      },
    );
  }

  /** Gives up a connection that does not answer. */
  lose(inner: InnerTransport, error: unknown): void {
    if (this.current === inner) this.#supervisor.lose(error);
  }

  /** Ends it. Everything that waits fails; takes no longer than `closeTimeoutMs` and a second. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#stopSlowRetry?.();
    await this.#supervisor.close();
    release(this.#key, this);
  }

  #ready(scope: { readonly signal: AbortSignal }): Promise<void> | undefined {
    // Without a look at the scope's signal, which is made when it is first looked at.
    if (this.#supervisor.connection !== undefined) return undefined;
    if (this.#supervisor.state.status === "idle") this.#claim();
    return this.#supervisor.ready(scope);
  }

  #claim(): void {
    if (!(this.#credentials.identity instanceof Promise)) claim(this.#key, this);
  }

  async #open(attempt: ConnectionAttempt): Promise<InnerTransport> {
    const { clock, renewalJitter, random, keepAliveSeconds } = this.#resilience;
    const provided = this.#credentials.identity;
    if (provided instanceof Promise) await this.#learn(provided);
    else claim(this.#key, this);
    const { tokenRenewal, ...options } = this.options as { tokenRenewal?: TokenRenewal };
    const inner = new InnerTransport(this.#Transport, this.#credentials.make());
    const abandon = (): void => {
      void inner.discard(0, clock, connectionLost());
    };
    attempt.signal.addEventListener("abort", abandon);
    const lost = (error?: unknown): void => {
      const judged = this.#watch.judge(inner, error, this.#identity);
      this.#inFlight = inner.inFlight;
      inner.lose(judged);
      attempt.lost(judged);
    };
    try {
      inner.official.on("disconnect", lost);
      inner.official.on("error", lost);
      const renewal =
        this.#credentials.renewal === "key"
          ? { tokenRenewal: spreadRenewal(tokenRenewal, renewalJitter, random) }
          : {};
      await configure(inner, { keepalive: keepAliveSeconds, ...options, ...renewal });
      renewByReplacing(inner, () => {
        if (this.current === inner) this.replace();
      });
      this.#listener.made(inner);
      await inner.connect(clock);
      onPeerClose(inner.official, lost);
      for (const feature of this.wanted) await inner.toggle(feature, true);
      return inner;
    } catch (error) {
      abandon();
      throw error;
    } finally {
      attempt.signal.removeEventListener("abort", abandon);
    }
  }

  async #learn(provided: Promise<Identity>): Promise<void> {
    const identity = await provided;
    this.#identity = nameOf(identity);
    this.#key = keyOf(identity);
    claim(this.#key, this);
  }

  #discard(inner: InnerTransport): Promise<void> {
    const { clock, closeTimeoutMs } = this.#resilience;
    const closed = this.isClosed ? closedError(this.#identity) : connectionLost();
    return inner.discard(this.isClosed ? closeTimeoutMs : drainMs, clock, closed);
  }

  #changed(state: ConnectionState, previous: ConnectionState): void {
    for (const changed of this.#changes) changed();
    this.#changes.clear();
    const inner = this.#supervisor.connection;
    if (state.status === "connected" && previous.status !== "connected" && inner !== undefined) {
      this.#listener.connected(inner);
    }
    if (state.status !== "failed") return;
    release(this.#key, this);
    this.#retrySlowly();
    this.#listener.failed(this.#supervisor.lastError);
  }

  /** Refused credentials may be mended at the hub, and nobody is there to restart the device. */
  #retrySlowly(): void {
    const { clock, random, slowRetryMs } = this.#resilience;
    this.#stopSlowRetry?.();
    this.#stopSlowRetry = clock.after(slowRetryMs * (1 - random() / 4), () => {
      // Another client of this process may have taken the identity meanwhile.
      this.start().catch(() => undefined);
    });
  }
}
