import { abortErrorOf, type AbortSignalLike } from "./abort.ts";
import { ConnectionLog } from "./connection-log.ts";
import type { ConnectionEffect, ConnectionEvent, ConnectionState } from "./connection-state.ts";
import { ConnectionWaiters } from "./connection-waiters.ts";
import { rememberFailure } from "./failure-of.ts";
import { HoldfastError, noAnswer } from "./holdfast-error.ts";
import { idle, step } from "./reconnect.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import { withinTime } from "./time-limit.ts";

/** In milliseconds. */
const usual = { minimumConnectedMs: 10_000, spreadStartMs: 0, discardTimeoutMs: 2_000 };

/** An event, but for its time. */
type Happening = ConnectionEvent extends infer E ? (E extends unknown ? Omit<E, "at"> : never) : never;

/**
 * Keeps one connection alive: carries out what the machine in `reconnect.ts` asks for, and nothing else. It knows no SDK.
 *
 * - **SignalR**: `open` builds a `HubConnection` with `onclose(attempt.lost)` and resolves with it after `start()`; when the
 *   signal aborts it terminates the socket, because `start()` has no timeout and `stop()` hangs behind it. `discard` is
 *   `stop()`. `wake()` goes on `online` and `visibilitychange`, `replace()` before a token's `exp`.
 * - **IoT**: `open` makes a fresh transport, connects it and passes `attempt.lost` to its `disconnect` event; `discard`
 *   disconnects it. Sends use `ready` in `run()`; `flaps` in the `disconnected` event tell of a second device of that name.
 */
export class Supervisor<C> {
  readonly #options: SupervisorOptions<C> & typeof usual;
  readonly #log: ConnectionLog;
  #state: ConnectionState = idle;
  /** Connections that were made and not discarded: at most the present one, outside of a step. */
  readonly #connections = new Map<number, C>();
  readonly #aborts = new Map<number, AbortController>();
  readonly #discards = new Set<Promise<void>>();
  readonly #waiters = new ConnectionWaiters();
  #stopTimer: (() => void) | undefined;
  readonly #queue: { readonly event: ConnectionEvent; readonly error: unknown }[] = [];
  #isStepping = false;
  /** The latest trouble, as the official client threw it. */
  #error: unknown;

  constructor(options: SupervisorOptions<C>) {
    this.#options = { ...usual, ...options };
    this.#log = new ConnectionLog(options);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The connection, while there is one. */
  get connection(): C | undefined {
    return this.#state.status === "connected" ? this.#connections.get(this.#state.generation) : undefined;
  }

  /** The latest error of an attempt or a loss, as it was thrown. */
  get lastError(): unknown {
    return this.#error;
  }

  /**
   * Connects, unless that is under way; after a permanent fault it begins afresh. Resolves when there is a connection.
   *
   * @param signal - ends the wait with an `AbortError`, not the connecting.
   * @throws the official client's error when a fault is permanent; the `closed` error after `close()`.
   */
  start(signal?: AbortSignalLike): Promise<void> {
    this.#dispatch({ type: "start" });
    return this.#wait(signal) ?? Promise.resolve();
  }

  /**
   * For `ready` in `run()`: waits for the connection, and begins connecting when nobody has. Undefined when there is one.
   * When the scope's time is over it rejects with the latest trouble, which says more than "too late".
   *
   * @throws as {@link start}; it does not begin afresh after a permanent fault.
   */
  ready(scope: { readonly signal: AbortSignalLike }): Promise<void> | undefined {
    if (this.#state.status === "idle") this.#dispatch({ type: "start" });
    return this.#wait(scope.signal);
  }

  /** The network may be back: shortens a wait to a random moment within the policy's first, never below a server's wish. */
  wake(): void {
    this.#dispatch({ type: "wake" });
  }

  /** Gives up a connection that is open but does not answer. */
  lose(reason: unknown): void {
    this.#report(this.#state.generation, reason, "lost");
  }

  /** Makes a new connection in place of a sound one, at once: before its token ends, for example. */
  replace(): void {
    this.#dispatch({ type: "replace" });
  }

  /** Ends everything at once, from every state. Resolves when the connection is disposed of, or after `discardTimeoutMs`. */
  async close(): Promise<void> {
    this.#dispatch({ type: "close" });
    await Promise.all(this.#discards);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One event at a time: what an effect causes comes after the whole step. */
  #dispatch(happening: Happening, error?: unknown): void {
    const event = { ...happening, at: this.#options.clock.now() } as ConnectionEvent;
    this.#queue.push({ event, error });
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift())
        this.#step(next.event, next.error);
    } finally {
      this.#isStepping = false;
    }
  }

  #step(event: ConnectionEvent, error: unknown): void {
    const { policy, onState } = this.#options;
    const previous = this.#state;
    const { state, effects } = step(previous, event, { ...this.#options, policy: policy() });
    this.#state = state;
    if (error !== undefined && state !== previous) this.#error = error;
    for (const effect of effects) this.#perform(effect);
    if (state === previous) return;
    if (state.status === "failed") rememberFailure(this.#error, this.#log.failure(state.fault, state.reason));
    try {
      onState?.(state, previous);
    } catch {
      // An observer cannot break a connection.
    }
    this.#settle();
  }

  #perform(effect: ConnectionEffect): void {
    switch (effect.type) {
      case "open":
        void this.#open(effect.generation, effect.attempt);
        return;
      case "discard":
        this.#discard(effect.generation);
        return;
      case "tell":
        this.#log.tell(effect.news, this.#error);
        return;
      default:
        this.#stopTimer?.();
        if (effect.type === "stop-waiting") return;
        this.#stopTimer = this.#options.clock.after(effect.waitMs, () => {
          this.#dispatch({ type: "due", generation: effect.generation });
        });
    }
  }

  async #open(generation: number, number: number): Promise<void> {
    // A service that allows one connection per identity must see the end of the last one first.
    if (this.#discards.size > 0) await Promise.all(this.#discards);
    if (this.#state.generation !== generation || this.#state.status !== "connecting") return;
    const { open, clock, policy, timeoutError, operation } = this.#options;
    const lost = (reason?: unknown): void => {
      this.#report(generation, reason, "lost");
    };
    const abort = new AbortController();
    const { signal } = abort;
    this.#aborts.set(generation, abort);
    const ms = policy().attemptTimeoutMs;
    try {
      await withinTime(
        async () => {
          this.#connections.set(generation, await open({ number, signal, lost }));
          this.#aborts.delete(generation);
          this.#dispatch({ type: "opened", generation });
        },
        ms,
        clock,
        () => timeoutError?.(ms) ?? noAnswer(operation, ms),
        signal,
      );
    } catch (error) {
      this.#report(generation, error, "open-failed");
    }
  }

  /** @param reason - undefined when the official client does not say why. */
  #report(generation: number, reason: unknown, type: "lost" | "open-failed"): void {
    const { clock, classify } = this.#options;
    const error = reason ?? new HoldfastError("connection-lost", "The connection was lost.");
    const fault = classify(error, clock.wallNow());
    this.#dispatch({ type, generation, fault }, error);
  }

  #discard(generation: number): void {
    this.#aborts
      .get(generation)
      ?.abort(this.#state.status === "closed" ? this.#options.closedError() : this.#error);
    this.#aborts.delete(generation);
    if (!this.#connections.has(generation)) return;
    const connection = this.#connections.get(generation) as C;
    this.#connections.delete(generation);
    const { discard, clock, discardTimeoutMs } = this.#options;
    // What cannot be closed is left behind; the next connection does not depend on it.
    const done = withinTime(
      async () => discard(connection),
      discardTimeoutMs,
      clock,
      () => new Error(),
    ).catch(() => undefined);
    this.#discards.add(done);
    void done.then(() => this.#discards.delete(done));
  }

  /** Undefined when there is nothing to wait for. */
  #wait(signal: AbortSignalLike | undefined): Promise<void> | undefined {
    switch (this.#state.status) {
      case "connected":
        return undefined;
      case "failed":
        return Promise.reject(this.#error);
      case "closed":
        return Promise.reject(this.#options.closedError());
      default:
        return this.#waiters.wait(signal, (aborted) => this.#reasonFor(aborted));
    }
  }

  #settle(): void {
    const { status } = this.#state;
    if (status === "connected") this.#waiters.resolveAll();
    if (status === "failed") this.#waiters.rejectAll(this.#error);
    if (status === "closed") this.#waiters.rejectAll(this.#options.closedError());
  }

  /** A caller who changed its mind gets an AbortError; who ran out of time, the trouble that took it. */
  #reasonFor(signal: AbortSignalLike): unknown {
    const { reason } = signal;
    const isTime = reason instanceof Error && reason.name !== "AbortError";
    if (!isTime) return abortErrorOf(signal);
    if (this.#error === undefined) return reason;
    const fault = this.#options.classify(this.#error, this.#options.clock.wallNow());
    rememberFailure(this.#error, this.#log.failure(fault, "deadline"));
    return this.#error;
  }
}
