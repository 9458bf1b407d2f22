import type { Message, MessageEnqueued } from "./official.ts";

/** What `enqueue` may say about one message. */
export interface EnqueueOptions {
  /** How long it may wait, in milliseconds; above 0. Default: the outbox's `ttlMs`. */
  readonly ttlMs?: number;
  /** A module's output. */
  readonly output?: string;
}

/** What became of a message that was given to the outbox. */
export interface Enqueued {
  /** `stored`, as safe as the store makes it; or `dropped`, for want of room, where the outbox drops the newest. */
  readonly status: "stored" | "dropped";
  /** Stays the same however often it is sent. */
  readonly messageId: string;
}

/** The outbox as it stands. */
export interface OutboxStatistics {
  /** Messages in it, those that are being sent included. */
  readonly pending: number;
  /** Their bytes, bodies and properties. */
  readonly bytes: number;
  readonly sending: number;
  /** How long the oldest has been there, in milliseconds; undefined when it is empty. */
  readonly oldestAgeMs: number | undefined;
  /** Since the client was made: */
  readonly enqueued: number;
  readonly sent: number;
  readonly dropped: number;
  readonly expired: number;
  /** What the store found damaged when it was opened. */
  readonly damage: readonly string[];
}

/** What an outbox needs of the client. */
export interface OutboxWay {
  readonly device: string;
  /** Sends once, under the policy `iot.outbox`. */
  send(message: Message, output: string | undefined, signal: AbortSignal): Promise<MessageEnqueued>;
  /** Resolves when there is a connection. */
  whenConnected(signal: AbortSignal): Promise<void>;
  /** False while the hub refuses the device, which is no message's fault. */
  readonly isConnected: boolean;
}
