import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { badOption, type AbortSignalLike } from "@holdfast/core";

/** 64 bits: on a partitioned entity more than a JavaScript number holds. */
export type SequenceNumber = NonNullable<ServiceBusReceivedMessage["sequenceNumber"]>;

/** Which dead letters are meant. */
export interface DeadLetterSelection {
  /** Only those for which it returns true. It sees peeked messages, with `deadLetterReason` and their bodies as bytes. */
  readonly filter?: (message: ServiceBusReceivedMessage) => boolean;
  /** Only these reasons, exactly as the dead letters carry them. */
  readonly reasons?: readonly string[];
  /** Only from this sequence number on: how an interrupted run is resumed. Default: all. */
  readonly fromSequenceNumber?: SequenceNumber;
  /** At most so many. Default Infinity. */
  readonly limit?: number;
  readonly abortSignal?: AbortSignalLike;
}

/** How dead letters are sent again. */
export interface ReplayOptions extends DeadLetterSelection {
  /**
   * Where they go. Queues: left out means the queue itself. Subscriptions: must be given; `"topic"` sends to the topic, where
   * every subscription gets a copy; `{ entity }` to a queue or topic of your choice.
   */
  readonly replayTo?: "topic" | { readonly entity: string };
  /** Messages a second at most. Default 50; above 0. */
  readonly perSecond?: number;
  /**
   * A message that was replayed so often already stays a dead letter: it would go round for ever. Default 3; a whole number,
   * 1 or more.
   */
  readonly maxReplays?: number;
  /** Only says what would be done. Default false. */
  readonly dryRun?: boolean;
  /** Called after each message. What it throws is ignored. */
  readonly onProgress?: (report: ReplayReport) => void;
}

/** What `replay()` did. */
export interface ReplayReport {
  /** Sent again and gone from the dead letters; with `dryRun`: those that would be. */
  replayed: number;
  /** Left where they are because they were replayed too often. */
  refused: number;
  /** Gone, or in somebody else's hands, when it was their turn. */
  missed: number;
  /** Left where they are because something failed, with the official error. */
  readonly failed: FailedReplay[];
  /** The highest sequence number that was dealt with; its successor as `fromSequenceNumber` goes on behind it. */
  lastSequenceNumber: SequenceNumber | undefined;
}

/** A dead letter that stayed where it is. */
export interface FailedReplay {
  readonly sequenceNumber: SequenceNumber | undefined;
  readonly messageId: unknown;
  readonly error: unknown;
}

/** What `purge()` did. */
export interface PurgeReport {
  purged: number;
  missed: number;
}

/** {@link ReplayOptions}, complete. */
export interface ReplaySettings extends DeadLetterSelection {
  readonly perSecond: number;
  readonly maxReplays: number;
  readonly dryRun: boolean;
  readonly onProgress: (report: ReplayReport) => void;
}

/** @throws HoldfastError `misconfigured`, naming option, value and allowed range. */
export function replaySettings(options: ReplayOptions): ReplaySettings {
  const { perSecond = 50, maxReplays = 3, dryRun = false, onProgress = () => {} } = options;
  if (!(perSecond > 0)) throw badOption("replay.perSecond", perSecond, "a number above 0");
  if (!(Number.isInteger(maxReplays) && maxReplays >= 1)) {
    throw badOption("replay.maxReplays", maxReplays, "a whole number, 1 or more");
  }
  checkSelection("replay", options);
  return { ...options, perSecond, maxReplays, dryRun, onProgress };
}

/** @throws HoldfastError `misconfigured`, naming option, value and allowed range. */
export function checkSelection(name: string, options: DeadLetterSelection): void {
  const { limit } = options;
  if (limit !== undefined && !(limit === Infinity || (Number.isInteger(limit) && limit >= 1))) {
    throw badOption(`${name}.limit`, limit, "a whole number, 1 or more, or Infinity");
  }
}

/** Whether a message is among those that are meant. */
export function isSelected(
  message: ServiceBusReceivedMessage,
  { filter, reasons }: DeadLetterSelection,
): boolean {
  if (reasons !== undefined && !reasons.includes(message.deadLetterReason ?? "")) return false;
  return filter === undefined || filter(message);
}
