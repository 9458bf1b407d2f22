import { badOption } from "@holdfast/core";
import type { OutboxStore } from "./outbox-store.ts";

/** What happens to a message for which there is no room. */
export type WhenFull = "reject" | "oldest" | "newest" | "wait";

/** How an outbox is kept. */
export interface OutboxOptions {
  /** Where messages are kept. Default: in memory. `diskOutboxStore()` of `@holdfast/iot-device/outbox-disk` survives the process. */
  readonly store?: OutboxStore;
  /** Whether `sendEvent` goes through it. Default true; with false only `outbox.enqueue()` does. */
  readonly sendEvent?: boolean;
  /** Messages at most. Default 10 000; 1 or more. */
  readonly maxMessages?: number;
  /** Bytes at most, bodies and properties. Default 67 108 864 (64 MB); 1 or more. */
  readonly maxBytes?: number;
  /**
   * When it is full: `reject` the new message (the default), drop the `oldest` that is not being sent, drop the `newest`
   * (which is the new one: `enqueue` resolves, and says so), or `wait` until there is room.
   */
  readonly whenFull?: WhenFull;
  /** How long a message may wait, in milliseconds, unless `enqueue` says otherwise. Default Infinity. */
  readonly ttlMs?: number;
  /** Messages being sent at once. Default 1, which keeps their order; up to 1000. */
  readonly concurrency?: number;
  /** No more than this many a second out of the outbox, so that a long outage's backlog is no burst. Default: no limit. */
  readonly messagesPerSecond?: number;
}

const known = [
  ...["store", "sendEvent", "maxMessages", "maxBytes", "whenFull", "ttlMs", "concurrency"],
  "messagesPerSecond",
];

/** @throws HoldfastError `misconfigured`, naming option, value and allowed range. */
export function checkOutboxOptions(options: OutboxOptions): Required<OutboxOptions> {
  if (typeof options !== "object" || (options as unknown) === null) {
    throw badOption("resilience.outbox", options, "an object");
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw badOption("resilience.outbox", key, `made of ${known.join(", ")}`);
  }
  const { whenFull = "reject", ttlMs = Infinity, concurrency = 1, sendEvent = true } = options;
  const { messagesPerSecond = Infinity, maxMessages = 10_000, maxBytes = 67_108_864 } = options;
  if (!["reject", "oldest", "newest", "wait"].includes(whenFull)) {
    throw badOption("resilience.outbox.whenFull", whenFull, '"reject", "oldest", "newest" or "wait"');
  }
  if (typeof sendEvent !== "boolean")
    throw badOption("resilience.outbox.sendEvent", sendEvent, "true or false");
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1_000) {
    throw badOption("resilience.outbox.concurrency", concurrency, "a whole number from 1 to 1000");
  }
  for (const [name, value] of Object.entries({ maxMessages, maxBytes, ttlMs, messagesPerSecond })) {
    if (!(typeof value === "number" && value > 0)) {
      throw badOption(`resilience.outbox.${name}`, value, "a number above 0");
    }
  }
  const store = options.store as OutboxStore;
  return { store, whenFull, ttlMs, concurrency, sendEvent, messagesPerSecond, maxMessages, maxBytes };
}
