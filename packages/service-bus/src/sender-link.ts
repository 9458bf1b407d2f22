import type { ServiceBusSender, ServiceBusSenderOptions } from "@azure/service-bus";
import { emit, onAbort, run, type Attempt, type FaultSummary } from "@holdfast/core";
import { closeTimeoutMs, withinTime, type Connection, type Generation } from "./connection.ts";
import { isTimeout, linkLostError, senderClosedError, timeoutError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";

/** An official sender and the generation it belongs to. */
interface Bound {
  readonly sender: ServiceBusSender;
  readonly generation: Generation;
  /** Attempts whose acknowledgement is outstanding. */
  readonly inFlight: Set<Attempt>;
}

/** The one reconnect that everybody who needs the link waits for. */
interface Opening {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  waiting: number;
  /** What the latest attempt to connect failed with. */
  lastError: unknown;
}

// How often a link with sends in flight is looked at. Found closed, its sends are repeated at once.
const watchIntervalMs = 250;

// An open link answers createMessageBatch() from memory, within promise steps alone (9 of them in 7.9.5); a closed one
// needs the network, so no number of steps will do. That tells open from closed by the public API, at no cost.
const openWithinSteps = 40;

/**
 * One entity's link: opened for all who wait, watched while sends are in flight. The official client leaves a send
 * pending for its whole timeout when the link closes under it (service-bus.md, gap 3) and reopens the link only when
 * the next operation asks for it, so a closed link means that the acknowledgements in flight will never come.
 */
export class SenderLink {
  readonly entityPath: string;
  readonly identifier: string;
  readonly #connection: Connection;
  readonly #resilience: Resilience;
  #bound: Bound;
  #checking: Promise<void> | undefined;
  #opening: Opening | undefined;
  #downSince: number | undefined;
  #hasBeenOpen = false;
  #stopWatching: (() => void) | undefined;
  #closed = false;

  /** @throws what the official createSender throws, for a wrong entity path or a closed client. */
  constructor(
    connection: Connection,
    entityPath: string,
    options: ServiceBusSenderOptions | undefined,
    resilience: Resilience,
  ) {
    this.#connection = connection;
    this.#resilience = resilience;
    this.entityPath = entityPath;
    const generation = connection.current();
    const sender = generation.client.createSender(entityPath, options);
    this.identifier = sender.identifier;
    this.#bound = { sender, generation, inFlight: new Set() };
  }

  /** Resolves once the link is open; what it rejects with is final, or the latest trouble when the scope ends. */
  ready(scope: Attempt): Promise<void> {
    if (this.#opening !== undefined) return this.#join(this.#opening, scope);
    return this.#check().then(() =>
      this.#opening === undefined ? undefined : this.#join(this.#opening, scope),
    );
  }

  /** Runs one attempt on the link; it fails at once when the link is found closed. */
  async send<T>(work: (sender: ServiceBusSender) => Promise<T>, attempt: Attempt): Promise<T> {
    const { sender, generation, inFlight } = this.#bound;
    const leave = this.#connection.enter(generation);
    inFlight.add(attempt);
    this.#watch();
    try {
      return await work(sender);
    } finally {
      inFlight.delete(attempt);
      this.#recycleIfSilent(attempt, generation);
      leave();
    }
  }

  /** Runs one attempt that travels by the management link: not watched, bounded by the attempt's timeout alone. */
  async manage<T>(work: (sender: ServiceBusSender) => Promise<T>, attempt: Attempt): Promise<T> {
    const { sender, generation } = this.#rebound();
    const leave = this.#connection.enter(generation);
    try {
      return await work(sender);
    } finally {
      this.#recycleIfSilent(attempt, generation);
      leave();
    }
  }

  /** Stops watching and opening; nothing opens the link afterwards. */
  end(): void {
    this.#closed = true;
    this.#stopWatching?.();
    this.#opening?.abort.abort();
  }

  /** Closes the official sender, within {@link closeTimeoutMs}. */
  async close(): Promise<void> {
    this.end();
    await withinTime(this.#bound.sender.close(), closeTimeoutMs, this.#resilience.clock);
  }

  /** The official sender on the generation in force. */
  #rebound(): Bound {
    const generation = this.#connection.current();
    if (this.#bound.generation !== generation) {
      const sender = generation.client.createSender(this.entityPath, { identifier: this.identifier });
      this.#bound = { sender, generation, inFlight: new Set() };
    }
    return this.#bound;
  }

  /** Finds out whether the link is open; when it is not, what is in flight on it is lost and an opening begins. */
  #check(): Promise<void> {
    this.#checking ??= this.#look().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #look(): Promise<void> {
    if (this.#closed) throw senderClosedError(this.entityPath);
    const bound = this.#rebound();
    const abort = new AbortController();
    const link = { isOpen: false };
    const opened = bound.sender.createMessageBatch({ abortSignal: abort.signal }).then(() => {
      link.isOpen = true;
    });
    opened.catch(() => {
      // Heard where it is awaited: as the first attempt of the opening.
    });
    for (let step = 0; step < openWithinSteps && !link.isOpen; step += 1) await Promise.resolve();
    if (link.isOpen) return;
    this.#lose(bound);
    this.#opening = this.#open(opened, abort);
  }

  #lose(bound: Bound): void {
    const lost = [...bound.inFlight];
    if (this.#hasBeenOpen && this.#downSince === undefined) {
      this.#downSince = this.#resilience.clock.now();
      this.#emit({ type: "disconnected", inFlight: lost.length });
    }
    for (const attempt of lost) attempt.fail(linkLostError(this.entityPath));
  }

  #open(first: Promise<void>, firstAbort: AbortController): Opening {
    const { clock, random, classify, onEvent, policy } = this.#resilience;
    const opening: Opening = {
      abort: new AbortController(),
      waiting: 0,
      lastError: undefined,
      done: Promise.resolve(),
    };
    const attempt = async (scope: Attempt): Promise<void> => {
      if (scope.number > 1 && opening.waiting === 0) opening.abort.abort();
      const { generation, sender } = this.#rebound();
      scope.signal.addEventListener("abort", () => {
        // The official client is stuck in a handshake and would make the next attempt queue behind it.
        firstAbort.abort();
        this.#recycle(generation, scope.signal.reason);
      });
      try {
        await (scope.number === 1 ? first : sender.createMessageBatch({ abortSignal: scope.signal }));
      } catch (error) {
        opening.lastError = error;
        throw error;
      }
    };
    const done = run(attempt, {
      operation: "serviceBus.connect",
      target: this.entityPath,
      policy: policy("serviceBus.connect"),
      classify,
      clock,
      random,
      onEvent,
      signal: opening.abort.signal,
      act: () => undefined,
      timeoutError: (ms) => (opening.lastError = timeoutError(this.entityPath, ms)),
    })
      .then(() => {
        this.#opened();
      })
      .finally(() => {
        this.#opening = undefined;
      });
    done.catch(() => {
      // Heard by those who wait; when nobody does, the next who asks will try again.
    });
    return Object.assign(opening, { done });
  }

  #opened(): void {
    this.#hasBeenOpen = true;
    if (this.#downSince === undefined) return;
    const downMs = this.#resilience.clock.now() - this.#downSince;
    this.#downSince = undefined;
    this.#emit({ type: "reconnected", downMs });
  }

  #join(opening: Opening, scope: Attempt): Promise<void> {
    opening.waiting += 1;
    const { signal } = scope;
    const left = new Promise<never>((_, reject) => {
      const leave = (): void => {
        // After the caller's deadline the trouble with the connection says more than "too late".
        const reason: unknown = isTimeout(signal.reason)
          ? (opening.lastError ?? signal.reason)
          : signal.reason;
        reject(reason);
      };
      if (signal.aborted) leave();
      else onAbort(signal, leave);
    });
    return Promise.race([opening.done, left]).finally(() => {
      opening.waiting -= 1;
      if (opening.waiting === 0) opening.abort.abort();
    });
  }

  #watch(): void {
    this.#stopWatching ??= this.#resilience.clock.after(watchIntervalMs, () => {
      this.#stopWatching = undefined;
      if (this.#closed || this.#bound.inFlight.size === 0) return;
      this.#watch();
      if (this.#opening === undefined) {
        this.#check().catch(() => {
          // A link that cannot be looked at has lost nothing yet; its sends end by their timeout.
        });
      }
    });
  }

  /** A half-open connection looks open for three minutes; an attempt without any answer is reason to leave it. */
  #recycleIfSilent(attempt: Attempt, generation: Generation): void {
    if (attempt.signal.aborted && isTimeout(attempt.signal.reason))
      this.#recycle(generation, attempt.signal.reason);
  }

  #recycle(generation: Generation, reason: unknown): void {
    if (!this.#connection.recycle(generation) || !isTimeout(reason)) return;
    const { kind, id, code } = this.#resilience.classify(reason, this.#resilience.clock.wallNow());
    this.#emit({ type: "recycled", fault: { kind, id, code, message: (reason as Error).message } });
  }

  #emit(event: LinkEvent): void {
    emit(this.#resilience.onEvent, { operation: "serviceBus.connect", target: this.entityPath, ...event });
  }
}

type LinkEvent =
  | { readonly type: "disconnected"; readonly inFlight: number }
  | { readonly type: "reconnected"; readonly downMs: number }
  | { readonly type: "recycled"; readonly fault: FaultSummary };
