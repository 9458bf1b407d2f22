import type {
  CreateMessageBatchOptions,
  ServiceBusMessageBatch,
  ServiceBusSender,
  ServiceBusSenderOptions,
} from "@azure/service-bus";
import type { Attempt } from "@holdfast/core";
import { bindSender, mustMove, turnAway, type BoundSender } from "./bound-sender.ts";
import { closeTimeoutMs, withinTime, type ConnectionPool, type Generation } from "./connection-pool.ts";
import { Lifetime } from "./lifetime.ts";
import { LinkOpening } from "./link-opening.ts";
import { LinkStory } from "./link-story.ts";
import { probeLink } from "./link-probe.ts";
import { isLinkOpen } from "./official-link.ts";
import { isTimeout, linkLostError, senderClosedError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";
import type { Cargo } from "./transfers.ts";

// How often a link with transfers in flight is looked at. Found closed, they are repeated at once.
const watchIntervalMs = 250;

// How long ago a link was open at most, in milliseconds, when it is used without a look: a call that follows another at once.
const surelyOpenMs = 5;

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
  readonly #story: LinkStory;
  #bound: BoundSender;
  #isOpen = false;
  /** The largest single message, in bytes, as the link announced it. */
  #maxMessageBytes = 0;
  #opening: LinkOpening | undefined;
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
    this.#story = new LinkStory(entityPath, resilience);
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
    const opening = this.#currentOpening();
    if (opening !== undefined) return opening.join(scope.signal);
    if (this.#isOpen) return undefined;
    return this.emptyBatch().then(() => this.#currentOpening()?.join(scope.signal));
  }

  /**
   * An empty batch, bounded by the link's size, if the link is open at this moment: until the next turn of the event
   * loop. Otherwise undefined; what is in flight is lost then, and an opening has begun.
   */
  async emptyBatch(options?: CreateMessageBatchOptions): Promise<ServiceBusMessageBatch | undefined> {
    if (this.#currentOpening() !== undefined) return undefined;
    const bound = this.#rebound();
    const abort = new Lifetime();
    // Asked with a size, a link that is open and takes less would look closed.
    const { maxSizeInBytes: size, ...rest } = options ?? {};
    const { batch, opened } = await probeLink(bound.sender, rest, abort);
    if (batch !== undefined) {
      this.#wasOpen();
      bound.openAt = this.#resilience.clock.now();
      this.#maxMessageBytes = batch.maxSizeInBytes;
      if (size === undefined && this.#maxMessageBytes <= maxBatchBytes) return batch;
      return bound.sender.createMessageBatch({ ...options, maxSizeInBytes: size ?? maxBatchBytes });
    }
    // Another caller may have come to the same conclusion meanwhile.
    if (this.#ended || this.#currentOpening() !== undefined) {
      abort.end(undefined);
      return undefined;
    }
    this.#isOpen = false;
    this.#lose(bound);
    this.#open(bound, opened, abort);
    return undefined;
  }

  /**
   * One transfer on the link as it is now; the cargo hears the service's answer, or that the link was found closed, or that
   * no answer came in time. Call it in the same turn of the event loop as {@link emptyBatch}.
   */
  transfer(cargo: Cargo, timeoutMs: number): void {
    const { sender, generation, transfers } = this.#bound;
    if (this.#stopWatching === undefined) this.#watch();
    this.#pool.begin(generation);
    transfers.start(cargo, sender, this.#resilience.clock.now(), timeoutMs);
  }

  /**
   * Whether {@link emptyBatch} has to come before a transfer. Not when the link was open a moment ago and nothing is in flight
   * on it. Should it have closed in that moment, it is to be opened first: a transfer that waits for that itself would head the
   * official client's line for the connection, and whoever stands behind one that leaves opens another socket.
   */
  get needsLook(): boolean {
    if (this.#ended || !this.#isOpen || this.#currentOpening() !== undefined) return true;
    const now = this.#resilience.clock.now();
    const { sender, transfers, openAt } = this.#rebound(now);
    return transfers.size > 0 || now - openAt > surelyOpenMs || !isLinkOpen(sender);
  }

  /** Runs one attempt that travels by the management link: not watched, bounded by the attempt's timeout alone. */
  async manage<T>(work: (sender: ServiceBusSender) => Promise<T>, attempt: Attempt): Promise<T> {
    const bound = this.#rebound();
    const { sender, generation } = bound;
    const { classify, clock } = this.#resilience;
    const startedAt = clock.now();
    this.#pool.use(generation, `${this.entityPath}/$management`);
    const leave = this.#pool.enter(generation);
    try {
      const result = await work(sender);
      generation.answeredAt = clock.now();
      return result;
    } catch (error) {
      if (classify(error, clock.wallNow()).kind === "token-limit") turnAway(bound, this.#pool);
      throw error;
    } finally {
      if (attempt.ended && isTimeout(attempt.signal.reason) && generation.answeredAt < startedAt) {
        this.#recycle(generation, attempt.signal.reason);
      }
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
    const { sender, generation, lost } = this.#bound;
    await withinTime(sender.close(), closeTimeoutMs, this.#resilience.clock);
    generation.lossListeners.delete(lost);
    this.#pool.release(generation);
  }

  #currentOpening(): LinkOpening | undefined {
    return this.#opening?.isAbandoned === true ? undefined : this.#opening;
  }

  #bind(options: ServiceBusSenderOptions | undefined): BoundSender {
    const generation = this.#pool.lease(this.entityPath);
    try {
      return this.#boundTo(generation, options);
    } catch (error) {
      this.#pool.release(generation);
      throw error;
    }
  }

  #boundTo(generation: Generation, options: ServiceBusSenderOptions | undefined): BoundSender {
    const sender = generation.client.createSender(this.entityPath, options);
    return bindSender(sender, generation, this.#pool, this.#resilience.clock, {
      answered: (bound) => {
        this.#answered(bound);
      },
      unanswered: (bound, since, error) => {
        this.#unanswered(bound, since, error);
      },
      lost: (bound) => {
        if (this.#bound === bound) this.#isOpen = false;
        this.#lose(bound);
      },
    });
  }

  /** The official sender, on another connection when the one it was on has been given up or is full. */
  #rebound(now?: number): BoundSender {
    this.#pool.tend(this.#bound.generation, now);
    if (mustMove(this.#bound)) this.#move();
    return this.#bound;
  }

  #move(): void {
    const { generation } = this.#bound;
    generation.audiences.delete(this.entityPath);
    this.#bound = this.#bind({ identifier: this.identifier });
    this.#pool.release(generation);
  }

  #lose(bound: BoundSender): void {
    this.#story.lost(bound.transfers.size);
    bound.transfers.failAll(() => linkLostError(this.entityPath));
  }

  #open(tried: BoundSender, first: Promise<void>, firstAbort: Lifetime): void {
    const opening = new LinkOpening(this.entityPath, this.#resilience, {
      attempt: async (scope, giveUp) => {
        const bound = scope.number === 1 ? tried : (tried = this.#rebound());
        const { dependents } = bound.generation;
        const startedAt = this.#resilience.clock.now();
        dependents.add(giveUp);
        scope.signal.addEventListener("abort", () => {
          dependents.delete(giveUp);
          const reason: unknown = scope.signal.reason;
          firstAbort.end(reason);
          // The official sender is stuck in a handshake and would make the next attempt queue behind it.
          if (isTimeout(reason)) this.#unanswered(bound, startedAt, reason);
          else this.#renew(bound);
        });
        const opened =
          scope.number === 1 ? first : bound.sender.createMessageBatch({ abortSignal: scope.signal });
        await opened.finally(() => dependents.delete(giveUp));
        this.#answered(bound);
      },
      client: () => tried.generation.client,
      rotate: () => {
        turnAway(tried, this.#pool);
      },
    });
    this.#opening = opening;
    const over = (): void => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    opening.done.then(() => {
      over();
      this.#wasOpen();
    }, over);
  }

  #wasOpen(): void {
    this.#isOpen = true;
    this.#story.opened();
  }

  #watch(): void {
    this.#stopWatching = this.#resilience.clock.after(watchIntervalMs, () => {
      this.#stopWatching = undefined;
      if (this.#ended || this.#bound.transfers.size === 0) return;
      this.#watch();
      // A link that cannot be looked at has lost nothing yet; its transfers end by their timeout.
      this.emptyBatch().catch(() => undefined);
    });
  }

  #answered(bound: BoundSender): void {
    bound.generation.answeredAt = bound.answeredAt = this.#resilience.clock.now();
  }

  /**
   * No answer came to what began at `since`. When nobody on the connection got one, it may be half-open (which looks open
   * for three minutes) and is given up; when only this link got none, the link is.
   */
  #unanswered(bound: BoundSender, since: number, reason: unknown): void {
    if (bound.answeredAt >= since) return;
    if (bound.generation.answeredAt >= since) this.#renew(bound);
    else this.#recycle(bound.generation, reason);
  }

  /** Puts a new official sender in place of one that is stuck, on the same connection. */
  #renew(bound: BoundSender): void {
    if (this.#bound !== bound || this.#ended) return;
    const { sender, generation } = bound;
    if (generation.state === "retired" || generation.state === "closed") return;
    generation.lossListeners.delete(bound.lost);
    this.#bound = this.#boundTo(generation, { identifier: this.identifier });
    this.#isOpen = false;
    this.#lose(bound);
    void withinTime(sender.close(), closeTimeoutMs, this.#resilience.clock);
  }

  #recycle(generation: Generation, reason: unknown): void {
    if (this.#bound.generation === generation) this.#isOpen = false;
    if (this.#pool.abandon(generation, reason as Error)) this.#story.recycled(reason);
  }
}
