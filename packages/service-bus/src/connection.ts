import type { ServiceBusClient } from "@azure/service-bus";
import type { Clock } from "@holdfast/core";

/** One official client with its AMQP connection, as long as it serves. */
export interface Generation {
  readonly client: ServiceBusClient;
  /** Operations under way on it. */
  inFlight: number;
  /** Set once another has taken its place: it is closed when its last operation ends. */
  retired: boolean;
}

/** The official close() never settles when the connection is lost (rhea-promise, `onDisconnected`), so ours is bounded. */
export const closeTimeoutMs = 2_000;

/** The connection that senders share: an official client that can be replaced while work on the old one finishes. */
export class Connection {
  readonly #make: () => ServiceBusClient;
  readonly #clock: Clock;
  #current: Generation | undefined;
  readonly #closing = new Set<Promise<void>>();

  constructor(make: () => ServiceBusClient, clock: Clock) {
    this.#make = make;
    this.#clock = clock;
  }

  /** The generation for new work. */
  current(): Generation {
    this.#current ??= { client: this.#make(), inFlight: 0, retired: false };
    return this.#current;
  }

  /** Puts the next generation in place of one that does not answer. False when that has been done already. */
  recycle(stale: Generation): boolean {
    if (this.#current !== stale) return false;
    this.#current = undefined;
    this.#retire(stale);
    return true;
  }

  /** Marks an operation as under way; call the result when it ended. */
  enter(generation: Generation): () => void {
    generation.inFlight += 1;
    return () => {
      generation.inFlight -= 1;
      this.#closeIfIdle(generation);
    };
  }

  /** Closes what is open, within {@link closeTimeoutMs}. */
  async close(): Promise<void> {
    const last = this.#current;
    this.#current = undefined;
    if (last !== undefined) {
      last.retired = true;
      last.inFlight = 0;
      this.#closeIfIdle(last);
    }
    await Promise.all(this.#closing);
  }

  #retire(generation: Generation): void {
    generation.retired = true;
    this.#closeIfIdle(generation);
  }

  #closeIfIdle(generation: Generation): void {
    if (!generation.retired || generation.inFlight !== 0) return;
    generation.inFlight = -1;
    const closed = withinTime(generation.client.close(), closeTimeoutMs, this.#clock);
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }
}

/** Resolves when `work` settles, either way, or after `ms` milliseconds. For ending things that may hang. */
export function withinTime(work: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, resolve);
    const done = (): void => {
      stop();
      resolve();
    };
    work.then(done, done);
  });
}
