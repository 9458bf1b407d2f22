import type { ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { emit, type Attempt } from "@holdfast/core";
import type { ConnectionPool, Generation } from "./connection-pool.ts";
import { noteAwaited, noteRefused } from "./connecting-step.ts";
import { connectionLostError, isTimeout, isUnanswered } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";

/** How to make official receivers for one entity. */
export interface ReceiverMaker {
  /** As the user wants it. */
  make(client: ServiceBusClient): ServiceBusReceiver;
  /** One that leaves to `received` what costs less here. */
  makeForLink(client: ServiceBusClient): ServiceBusReceiver;
  /** To be called with each message that comes on such a link, first. */
  received(message: ServiceBusReceivedMessage): void;
}

type PeekPosition = ServiceBusReceivedMessage["sequenceNumber"];

/** An official receiver and the connection it belongs to. */
export interface BoundReceiver {
  readonly receiver: ServiceBusReceiver;
  readonly generation: Generation;
}

/**
 * Where the receivers of an entity connect: gives out official receivers on the current connection, carries what goes by
 * the entity's `$management` node, and has a connection given up that does not answer.
 */
export class EntityConnection {
  readonly entityPath: string;
  readonly identifier: string;
  /** Where peeking goes on; the official client begins anew on another connection. */
  readonly cursor: { next: PeekPosition } = { next: undefined };
  readonly #pool: ConnectionPool;
  readonly #maker: ReceiverMaker;
  readonly #resilience: Resilience;
  /** Opens no link of its own. */
  #managing: BoundReceiver;
  /** The connection of the latest call: several are refused together, and one of them moves for all. */
  #calledOn: Generation | undefined;
  #ended = false;

  /** @throws what the official createReceiver throws, for wrong arguments or a closed client. */
  constructor(pool: ConnectionPool, audience: string, maker: ReceiverMaker, resilience: Resilience) {
    this.#pool = pool;
    this.#maker = maker;
    this.#resilience = resilience;
    this.#managing = this.#lease(audience, (client) => maker.make(client));
    this.entityPath = this.#managing.receiver.entityPath;
    this.identifier = this.#managing.receiver.identifier;
  }

  /** A receiver for a link of its own; give it back with {@link giveBack}. */
  bind(): BoundReceiver {
    return this.#lease(this.entityPath, (client) => this.#maker.makeForLink(client));
  }

  /** To be called with each message that comes on such a link, first. */
  received(message: ServiceBusReceivedMessage): void {
    this.#maker.received(message);
  }

  giveBack({ generation }: BoundReceiver): void {
    this.#pool.release(generation);
  }

  /**
   * A call by the `$management` node; ends with the attempt, also where the official client cannot be aborted. Unanswered
   * while nothing else was answered either, it gives up the connection.
   */
  manage<T>(
    work: (receiver: ServiceBusReceiver, client: ServiceBusClient) => Promise<T>,
    attempt: Attempt,
  ): Promise<T> {
    const { receiver, generation } = this.#current();
    this.#calledOn = generation;
    const { clock } = this.#resilience;
    const startedAt = clock.now();
    this.#pool.use(generation, `${this.entityPath}/$management`);
    const leave = this.#pool.enter(generation);
    let lost = (): void => undefined;
    return new Promise<T>((resolve, reject) => {
      const fail = (error: unknown): void => {
        if (isTimeout(error) || isUnanswered(error)) {
          noteAwaited(error, generation.client, `${this.entityPath}/$management`);
          this.unanswered(generation, startedAt, error);
        }
        reject(error);
      };
      const { signal } = attempt;
      signal.addEventListener("abort", () => {
        fail(signal.reason);
      });
      // The official client would wait for its whole timeout.
      lost = () => {
        reject(connectionLostError());
      };
      generation.lossListeners.add(lost);
      work(receiver, generation.client).then((result) => {
        generation.answeredAt = clock.now();
        resolve(result);
      }, fail);
    }).finally(() => {
      generation.lossListeners.delete(lost);
      leave();
    });
  }

  /** For calls that the official client refuses without asking the service. */
  refused<T>(work: (receiver: ServiceBusReceiver) => Promise<T>): Promise<T> {
    return work(this.#managing.receiver);
  }

  /** Renews the lock of a message; resolves with its end by the service's clock. */
  renew(message: ServiceBusReceivedMessage, attempt: Attempt): Promise<Date> {
    return this.manage((receiver) => receiver.renewMessageLock(message), attempt);
  }

  /** A receiver's link was opened. */
  opened(): void {
    this.#resilience.entities.add(this.entityPath);
  }

  /** Remembers of an error how far a receiver's link had come. */
  noteAwaited({ generation }: BoundReceiver, error: unknown): void {
    noteAwaited(error, generation.client, this.entityPath);
  }

  /** Remembers of an error that it was the answer to a receiver's link. */
  noteRefused(error: unknown): void {
    const { classify, clock } = this.#resilience;
    noteRefused(error, classify(error, clock.wallNow()));
  }

  /** No answer came to what began at `since`. When nothing came on the whole connection, it may be half-open. */
  unanswered(generation: Generation, since: number, reason: unknown): void {
    // A link that waits for messages would not notice by itself: it would look open, and deaf.
    if (generation.answeredAt >= since || !this.#pool.abandon(generation, reason as Error)) return;
    const { classify, clock, onEvent } = this.#resilience;
    const { kind, id, code } = classify(reason, clock.wallNow());
    const fault = { kind, id, code, message: (reason as Error).message };
    emit(onEvent, { type: "recycled", operation: "serviceBus.receive", target: this.entityPath, fault });
  }

  /** {@link rotate}, where a call by the `$management` node was refused. */
  rotateCalls(): void {
    this.rotate(this.#calledOn);
  }

  /** The connection holds as many tokens as the service allows: the next link, or call, goes to another. */
  rotate(generation: Generation = this.#managing.generation): void {
    this.#pool.fill(generation, this.entityPath);
    if (generation === this.#managing.generation && !this.#ended) this.#move();
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.giveBack(this.#managing);
  }

  #current(): BoundReceiver {
    const { state } = this.#managing.generation;
    if (state !== "serving" && !this.#ended) {
      const keepsLinks = state === "full" || state === "exhausted";
      if (!keepsLinks || this.#managing.receiver.isClosed) this.#move();
    }
    return this.#managing;
  }

  #move(): void {
    const former = this.#managing;
    this.#managing = this.#lease(this.entityPath, (client) => this.#maker.make(client));
    this.giveBack(former);
  }

  #lease(audience: string, make: ReceiverMaker["make"]): BoundReceiver {
    const generation = this.#pool.lease(audience);
    try {
      return { receiver: make(generation.client), generation };
    } catch (error) {
      this.#pool.release(generation);
      throw error;
    }
  }
}
