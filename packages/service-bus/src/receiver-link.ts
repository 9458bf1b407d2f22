import type {
  MessageHandlers,
  ProcessErrorArgs,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
} from "@azure/service-bus";
import { Chain, type Clock } from "@holdfast/core";
import { withinTime } from "./connection-pool.ts";
import type { BoundReceiver, EntityConnection } from "./entity-connection.ts";
import type { Lease } from "./lease.ts";
import { LinkSettlements } from "./link-settlements.ts";
import { timeoutError } from "./official-errors.ts";
import { isLinkClosed } from "./official-link.ts";
import { receiverLinkLostError } from "./receiver-errors.ts";
import type { SettlementLink } from "./settlements.ts";

/** Whom a link tells. */
export interface LinkListener {
  /** A message came; the official client asks for another once this resolves. */
  message(message: ServiceBusReceivedMessage, link: ReceiverLink): Promise<void>;
  /** Once: no message will come any more, and nothing can be settled on it. */
  lost(error: Error, link: ReceiverLink): void;
  /** All that came has been settled, or cannot be settled on this link any more. */
  settled(link: ReceiverLink): void;
}

/**
 * `idle`: opened by the first {@link ReceiverLink.listen}. `listening`: messages come. `stopped`: none come, settlements
 * pass. `lost` and `closed` are the end.
 */
type State = "idle" | "listening" | "stopped" | "lost" | "closed";

/** What the official client calls on the handlers besides what it documents: before and after it opens the link. */
interface OpeningHooks {
  preInitialize(): Promise<void>;
  postInitialize(): Promise<void>;
}

// The official drain gives up after 200 ms and closes the link instead.
const stopTimeoutMs = 500;
const closeTimeoutMs = 2_000;

// An open link gives its credits within promise steps; one that was closed behind our back needs the network.
const openWithinSteps = 200;

/**
 * One official receiver, and so one link with one AMQP session: messages come by its `subscribe`, for a subscription as for a
 * batch, because that is the only public way that can be stopped without losing what is on its way (`receiveMessages` leaves
 * what comes after an abort locked). It ends at the first sign of trouble; the official client's own loop is not used.
 */
export class ReceiverLink implements SettlementLink {
  readonly receiver: ServiceBusReceiver;
  readonly settlements: LinkSettlements;
  readonly credits: number;
  readonly #connection: EntityConnection;
  readonly #bound: BoundReceiver;
  readonly #clock: Clock;
  #listener: LinkListener;
  readonly #abort = new AbortController();
  /** Deliveries that the engine remembers, oldest first. */
  readonly #outstanding = new Chain<Lease>();
  /** How many of them still can be settled here. */
  #awaited = 0;
  #delivered = 0;
  #state: State = "idle";
  #subscription: { close(): Promise<void> } | undefined;
  #opening: { opened(): void; failed(error: Error): void } | undefined;
  #isOpened = false;
  #hooksSeen = false;

  constructor(connection: EntityConnection, credits: number, clock: Clock, listener: LinkListener) {
    this.#connection = connection;
    this.#bound = connection.bind();
    this.receiver = this.#bound.receiver;
    this.credits = credits;
    this.#clock = clock;
    this.#listener = listener;
    this.#bound.generation.dependents.add(this.#loseWithConnection);
    this.settlements = new LinkSettlements(connection.entityPath, clock, (since, late) => {
      this.unanswered(since, late);
    });
  }

  /** Whether it was closed behind our back: the official client would open another in its place. */
  get isGone(): boolean {
    return this.#isOpened && isLinkClosed(this.receiver);
  }

  /** Whether settlements pass. */
  get isOpen(): boolean {
    return this.#state === "listening" || this.#state === "stopped";
  }

  get isListening(): boolean {
    return this.#state === "listening";
  }

  /** Whether new links would go to its connection, too. */
  get isCurrent(): boolean {
    return this.#bound.generation.state === "serving";
  }

  /** Somebody else goes on with it. */
  handTo(listener: LinkListener): void {
    this.#listener = listener;
  }

  /**
   * How many deliveries the engine holds from the oldest unsettled one on. At 2048 it stops taking any, without a word (gap
   * 5): a link must be replaced before.
   */
  get span(): number {
    const oldest = this.#outstanding.first;
    return oldest === undefined ? 0 : this.#delivered - oldest.delivery;
  }

  /** Whether nothing that came on it waits for its settlement. */
  get isSettled(): boolean {
    return this.#awaited === 0;
  }

  /**
   * Opens the link if need be and lets messages come, `credits` at once; resolves when the service has been told. Rejects
   * with the first error, and the link is lost then.
   */
  listen(): Promise<void> {
    if (this.#state === "lost" || this.#state === "closed" || this.#opening !== undefined) {
      return Promise.reject(receiverLinkLostError(this.#connection.entityPath));
    }
    const opened = new Promise<void>((resolve, reject) => {
      this.#opening = { opened: resolve, failed: reject };
    });
    this.#state = "listening";
    const isReopening = this.#isOpened;
    // Not begun at all: who follows one that leaves in the middle of opening the connection waits in vain, on another socket.
    if (this.isGone) {
      this.lose(receiverLinkLostError(this.#connection.entityPath));
      return opened;
    }
    try {
      this.#subscription = this.receiver.subscribe(this.#handlers(), {
        autoCompleteMessages: false,
        maxConcurrentCalls: this.credits,
        abortSignal: this.#abort.signal,
      });
      void this.#expect(isReopening);
    } catch (error) {
      this.lose(error as Error);
    }
    return opened;
  }

  /**
   * No more messages come once it resolves; those on their way have come by then. When the service does not answer, the link
   * is lost.
   */
  async stop(): Promise<void> {
    if (this.#state !== "listening") return;
    this.#state = "stopped";
    const startedAt = this.#clock.now();
    let isDrained = false as boolean;
    const drained = (this.#subscription?.close() ?? Promise.resolve()).then(() => {
      isDrained = true;
    });
    await withinTime(drained, stopTimeoutMs, this.#clock);
    if (!isDrained) this.unanswered(startedAt, timeoutError(this.#connection.entityPath, stopTimeoutMs));
  }

  /** Ends the link; settlements go by `$management` from now on. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    const wasLost = this.#state === "lost";
    this.#state = "closed";
    const opening = this.#opening;
    this.#opening = undefined;
    this.settlements.cut();
    opening?.failed(receiverLinkLostError(this.#connection.entityPath));
    if (!wasLost) await this.#release();
  }

  /** Gives the link up: what is being settled on it has an unknown outcome. */
  lose(error: Error): void {
    if (this.#state === "lost" || this.#state === "closed") return;
    this.#state = "lost";
    const opening = this.#opening;
    this.#opening = undefined;
    this.settlements.cut();
    void this.#release();
    if (opening === undefined) {
      this.#listener.lost(error, this);
      return;
    }
    this.#connection.noteRefused(error);
    opening.failed(error);
  }

  /** The connection has not answered what began at `since`. */
  unanswered(since: number, error: Error): void {
    if (this.#opening !== undefined) this.#connection.noteAwaited(this.#bound, error);
    this.#connection.unanswered(this.#bound.generation, since, error);
    this.lose(error);
  }

  /** Remembers what came on the link until it is settled. */
  hold(lease: Lease): void {
    lease.delivery = this.#delivered;
    lease.remembered = this.#outstanding.add(lease);
    lease.isAwaited = true;
    this.#awaited += 1;
  }

  /** The lease cannot be settled here any more; the engine remembers it. */
  forget(lease: Lease): void {
    if (!lease.isAwaited) return;
    lease.isAwaited = false;
    this.#awaited -= 1;
    if (this.isSettled) this.#listener.settled(this);
  }

  settled(lease: Lease): void {
    lease.remembered?.leave();
    this.#answered();
    this.forget(lease);
  }

  #answered(): void {
    this.#bound.generation.answeredAt = this.#clock.now();
  }

  readonly #loseWithConnection = (error: Error): void => {
    this.lose(error);
  };

  async #release(): Promise<void> {
    this.#bound.generation.dependents.delete(this.#loseWithConnection);
    // Abort first: close() alone would wait out the delay of the official loop (design-spike 1).
    this.#abort.abort();
    await withinTime(this.receiver.close(), closeTimeoutMs, this.#clock);
    this.#connection.giveBack(this.#bound);
  }

  #handlers(): MessageHandlers & OpeningHooks {
    return {
      processMessage: (message) => {
        this.#delivered += 1;
        this.#opened();
        this.#connection.received(message);
        return this.#listener.message(message, this);
      },
      processError: (args) => {
        this.#failed(args);
        return Promise.resolve();
      },
      preInitialize: () => {
        this.#hooksSeen = true;
        // The official client opens the link again by itself, and does not say so otherwise: the connection was dropped.
        if (this.#opening === undefined) this.lose(receiverLinkLostError(this.#connection.entityPath));
        return Promise.resolve();
      },
      postInitialize: () => {
        this.#opened();
        return Promise.resolve();
      },
    };
  }

  #opened(): void {
    if (!this.#isOpened) this.#connection.opened();
    this.#isOpened = true;
    this.#answered();
    const opening = this.#opening;
    this.#opening = undefined;
    opening?.opened();
  }

  /** Handlers are ours and do not throw, settlements are ours: all errors are the link's. */
  #failed({ error }: ProcessErrorArgs): void {
    // What follows our own abort.
    if (this.#abort.signal.aborted) return;
    if (error.name === "AbortError" && this.#state !== "listening") return;
    this.lose(error);
  }

  /** Looks how far the official client gets from memory alone. */
  async #expect(isReopening: boolean): Promise<void> {
    for (let step = 0; step < openWithinSteps && this.#opening !== undefined; step += 1)
      await Promise.resolve();
    if (this.#opening === undefined) return;
    // A version without the hooks does not tell when it is open; it is taken at its word.
    if (!this.#hooksSeen) this.#opened();
    else if (isReopening) this.lose(receiverLinkLostError(this.#connection.entityPath));
  }
}
