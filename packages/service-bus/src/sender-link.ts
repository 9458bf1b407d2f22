import type {
  CreateMessageBatchOptions,
  ServiceBusMessageBatch,
  ServiceBusSender,
  ServiceBusSenderOptions,
} from "@azure/service-bus";
import { emit, type Attempt, type FaultSummary } from "@holdfast/core";
import { closeTimeoutMs, withinTime, type ConnectionPool, type Generation } from "./connection-pool.ts";
import { Lifetime } from "./lifetime.ts";
import { LinkOpening } from "./link-opening.ts";
import { isTimeout, linkLostError, senderClosedError, timeoutError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";

/** An official sender and the connection it belongs to. */
interface Bound {
  readonly sender: ServiceBusSender;
  readonly generation: Generation;
  /** Transfers whose acknowledgement is outstanding. */
  readonly inFlight: Set<Transfer>;
}

interface Transfer {
  fail(error: Error): void;
}

// How often a link with transfers in flight is looked at. Found closed, they are repeated at once.
const watchIntervalMs = 250;

// An open link answers createMessageBatch() from memory, within promise steps alone (9 of them in 7.9.5); a closed one
// needs the network, so no number of steps will do. That tells open from closed by the public API, at no cost.
const openWithinSteps = 40;

// A link of the Premium tier announces up to 100 MB, which is for single messages; a batch may have 1 MB (SBC-061).
const maxBatchBytes = 1_048_576;

/**
 * One entity's link: opened for all who wait, watched while transfers are in flight. The official client leaves a send
 * pending for its whole timeout when the link closes under it (service-bus.md, gap 3) and reopens the link only when
 * the next operation asks for it, so a closed link means that the acknowledgements in flight will never come.
 */
export class SenderLink {
  readonly entityPath: string;
  readonly identifier: string;
  readonly #pool: ConnectionPool;
  readonly #resilience: Resilience;
  #bound: Bound;
  #isOpen = false;
  /** The largest single message, in bytes, as the link announced it. */
  #maxMessageBytes = 0;
  #opening: LinkOpening | undefined;
  #downSince: number | undefined;
  #hasBeenOpen = false;
  #stopWatching: (() => void) | undefined;
  #ended = false;

  /** @throws what the official createSender throws, for a wrong entity path or a closed client. */
  constructor(
    pool: ConnectionPool,
    entityPath: string,
    options: ServiceBusSenderOptions | undefined,
    resilience: Resilience,
  ) {
    this.#pool = pool;
    this.#resilience = resilience;
    this.entityPath = entityPath;
    this.#bound = this.#bind(options);
    this.identifier = this.#bound.sender.identifier;
  }

  /** The largest single message that the link takes, in bytes; 0 before it was open. */
  get maxMessageBytes(): number {
    return this.#maxMessageBytes;
  }

  /**
   * Waits until the link is open; nothing to wait for when it was open a moment ago. What it rejects with is final,
   * or the latest trouble when the scope ends.
   */
  ready(scope: Attempt): Promise<void> | undefined {
    if (this.#ended) return Promise.reject(senderClosedError(this.entityPath));
    if (this.#opening !== undefined) return this.#opening.join(scope.signal);
    if (this.#isOpen) return undefined;
    return this.emptyBatch().then(() => this.#opening?.join(scope.signal));
  }

  /**
   * An empty batch, bounded by the link's size, if the link is open at this moment: until the next turn of the event
   * loop. Otherwise undefined; what is in flight is lost then, and an opening has begun.
   */
  async emptyBatch(options?: CreateMessageBatchOptions): Promise<ServiceBusMessageBatch | undefined> {
    if (this.#opening !== undefined) return undefined;
    const bound = this.#rebound();
    const abort = new Lifetime();
    const probe: { batch?: ServiceBusMessageBatch } = {};
    const opened = bound.sender.createMessageBatch({ ...options, abortSignal: abort }).then((batch) => {
      probe.batch = batch;
    });
    opened.catch(() => {
      // Heard where it is awaited: as the first attempt of the opening.
    });
    for (let step = 0; step < openWithinSteps && probe.batch === undefined; step += 1)
      await Promise.resolve();
    if (probe.batch !== undefined) {
      this.#wasOpen();
      if (options?.maxSizeInBytes !== undefined) return probe.batch;
      this.#maxMessageBytes = probe.batch.maxSizeInBytes;
      if (this.#maxMessageBytes <= maxBatchBytes) return probe.batch;
      return bound.sender.createMessageBatch({ ...options, maxSizeInBytes: maxBatchBytes });
    }
    // Another caller may have come to the same conclusion meanwhile.
    if (this.#isEnded() || this.#currentOpening() !== undefined) {
      abort.end(undefined);
      return undefined;
    }
    this.#isOpen = false;
    this.#lose(bound);
    this.#open(opened, abort);
    return undefined;
  }

  /**
   * One transfer on the link as it is now: settles with the service's answer, or rejects when the link is found closed
   * or no answer comes in time. Call it in the same turn of the event loop as {@link emptyBatch}.
   */
  transfer(
    work: (sender: ServiceBusSender, signal: Lifetime) => Promise<void>,
    timeoutMs: number,
  ): Promise<void> {
    const { sender, generation, inFlight } = this.#bound;
    const leave = this.#pool.enter(generation);
    const abort = new Lifetime();
    this.#watch();
    return new Promise((resolve, reject) => {
      const transfer: Transfer = {
        fail: (error) => {
          if (!settle()) return;
          reject(error);
          abort.end(error);
        },
      };
      const stopTimer = this.#resilience.clock.after(timeoutMs, () => {
        const error = timeoutError(this.entityPath, timeoutMs);
        transfer.fail(error);
        this.#recycle(generation, error);
      });
      const settle = (): boolean => {
        if (!inFlight.delete(transfer)) return false;
        stopTimer();
        leave();
        return true;
      };
      inFlight.add(transfer);
      work(sender, abort).then(
        () => {
          if (settle()) resolve();
        },
        (error: unknown) => {
          if (settle()) reject(error);
        },
      );
    });
  }

  /** Runs one attempt that travels by the management link: not watched, bounded by the attempt's timeout alone. */
  async manage<T>(work: (sender: ServiceBusSender) => Promise<T>, attempt: Attempt): Promise<T> {
    const { sender, generation } = this.#rebound();
    this.#pool.use(generation, `${this.entityPath}/$management`);
    const leave = this.#pool.enter(generation);
    try {
      return await work(sender);
    } finally {
      if (attempt.ended && isTimeout(attempt.signal.reason)) this.#recycle(generation, attempt.signal.reason);
      leave();
    }
  }

  /** Stops watching and opening; nothing opens the link afterwards. */
  end(): void {
    this.#ended = true;
    this.#stopWatching?.();
    this.#opening?.abandon();
  }

  /** Closes the official sender, within {@link closeTimeoutMs}. */
  async close(): Promise<void> {
    this.end();
    const { sender, generation } = this.#bound;
    await withinTime(sender.close(), closeTimeoutMs, this.#resilience.clock);
    this.#pool.release(generation);
  }

  #isEnded(): boolean {
    return this.#ended;
  }

  #currentOpening(): LinkOpening | undefined {
    return this.#opening;
  }

  #bind(options: ServiceBusSenderOptions | undefined): Bound {
    const generation = this.#pool.lease(this.entityPath);
    try {
      const sender = generation.client.createSender(this.entityPath, options);
      return { sender, generation, inFlight: new Set() };
    } catch (error) {
      this.#pool.release(generation);
      throw error;
    }
  }

  /** The official sender, on another connection when the one it was on has been given up. */
  #rebound(): Bound {
    const { state } = this.#bound.generation;
    if (state === "retired" || state === "closed") this.#move();
    return this.#bound;
  }

  #move(): void {
    const { generation } = this.#bound;
    this.#bound = this.#bind({ identifier: this.identifier });
    this.#pool.release(generation);
  }

  #lose(bound: Bound): void {
    const lost = [...bound.inFlight];
    if (this.#hasBeenOpen && this.#downSince === undefined) {
      this.#downSince = this.#resilience.clock.now();
      this.#emit({ type: "disconnected", inFlight: lost.length });
    }
    for (const transfer of lost) transfer.fail(linkLostError(this.entityPath));
  }

  #open(first: Promise<void>, firstAbort: Lifetime): void {
    const opening = new LinkOpening(this.entityPath, this.#resilience, {
      attempt: async (scope) => {
        const { generation, sender } = this.#rebound();
        scope.signal.addEventListener("abort", () => {
          // The official client is stuck in a handshake and would make the next attempt queue behind it.
          firstAbort.end(scope.signal.reason);
          this.#recycle(generation, scope.signal.reason);
        });
        await (scope.number === 1 ? first : sender.createMessageBatch({ abortSignal: scope.signal }));
      },
      rotate: () => {
        this.#pool.fill(this.#bound.generation, this.entityPath);
        this.#move();
      },
    });
    this.#opening = opening;
    opening.done.then(
      () => {
        this.#opening = undefined;
        this.#wasOpen();
      },
      () => {
        this.#opening = undefined;
      },
    );
  }

  #wasOpen(): void {
    this.#isOpen = true;
    this.#hasBeenOpen = true;
    if (this.#downSince === undefined) return;
    const downMs = this.#resilience.clock.now() - this.#downSince;
    this.#downSince = undefined;
    this.#emit({ type: "reconnected", downMs });
  }

  #watch(): void {
    this.#stopWatching ??= this.#resilience.clock.after(watchIntervalMs, () => {
      this.#stopWatching = undefined;
      if (this.#ended || this.#bound.inFlight.size === 0) return;
      this.#watch();
      this.emptyBatch().catch(() => {
        // A link that cannot be looked at has lost nothing yet; its transfers end by their timeout.
      });
    });
  }

  /** A half-open connection looks open for three minutes; an attempt without any answer is reason to leave it. */
  #recycle(generation: Generation, reason: unknown): void {
    if (this.#bound.generation === generation) this.#isOpen = false;
    if (!this.#pool.recycle(generation) || !isTimeout(reason)) return;
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
