import type { SimulatorClock, Timers } from "../clock.ts";
import type { EntityStatus } from "./entity-options.ts";
import type { JournalLedgers } from "./journal.ts";
import type { Arrival, StoredMessage } from "./stored-message.ts";

/** What an entity needs of its surroundings. */
export interface EntityContext {
  readonly clock: SimulatorClock;
  readonly timers: Timers;
  readonly ledgers: JournalLedgers;
  /** The queue or topic of that name, if there is one. */
  destination(path: string): Destination | undefined;
  /** `sb://host/entity`, as texts print it. */
  resource(path: string): string;
}

/** What a client, or an entity that forwards, can send to: a queue or a topic. */
export interface Destination {
  readonly path: string;
  readonly settings: {
    readonly maxMessageSizeBytes: number;
    readonly maxBatchSizeBytes: number;
    readonly maxSizeBytes: number;
    status: EntityStatus;
  };
  readonly sizeBytes: number;
  /** True when every message must carry a session. */
  readonly requiresSession: boolean;
  /** Takes a message over; undefined when duplicate detection drops it. */
  enqueue(arrival: Arrival): StoredMessage | undefined;
  /** Takes scheduled messages back before they are due; false, and none is, when one does not exist. */
  cancelScheduled(sequenceNumbers: readonly number[]): boolean;
}

interface WithStatus {
  readonly settings: { readonly status: EntityStatus };
}

/** Whether an entity takes messages. */
export function isSendable({ settings: { status } }: WithStatus): boolean {
  return status === "Active" || status === "ReceiveDisabled";
}

/** Whether messages can be received from an entity. */
export function isReceivable({ settings: { status } }: WithStatus): boolean {
  return status === "Active" || status === "SendDisabled";
}
