import type { OperationOptionsBase, ServiceBusMessageBatch } from "@azure/service-bus";
import { keyOf, type SingleMessage } from "./message-key.ts";

/** One transfer of a split array. */
export interface Part {
  /** Parts of one key are sent one after the other. */
  readonly key: string;
  /** Where its messages stand in the caller's array. */
  readonly indices: readonly number[];
  /** A batch, or a message that is too large for a batch but not for the link; undefined when it is too large for that. */
  readonly content: ServiceBusMessageBatch | SingleMessage | undefined;
}

/** Makes empty batches to measure and fill. */
export interface BatchMaker {
  /** As large as a batch may be on the link. */
  batch(): Promise<ServiceBusMessageBatch>;
  /** As large as a single message may be on the link. */
  measure(): Promise<ServiceBusMessageBatch>;
}

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas: messages in a batch (js#22962).
const maxMessages = 4_500;

/**
 * Divides an array into transfers: one batch while it fits and has one session and partition key, otherwise as few as
 * the link's size, 1 MB and 4500 messages allow, in order within each key (SBC-008, SBC-049, SBC-059).
 */
export async function splitMessages(
  messages: readonly SingleMessage[],
  make: BatchMaker,
  options: OperationOptionsBase | undefined,
): Promise<Part[]> {
  const parts: Part[] = [];
  const open = new Map<string, Filling>();
  const finish = ({ key, indices, batch }: Filling): void => {
    open.delete(key);
    parts.push({ key, indices, content: batch });
  };
  let current: Filling | undefined;
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages[index] as SingleMessage;
    const key = keyOf(message);
    if (current?.key !== key) current = open.get(key);
    if (current !== undefined) {
      if (current.indices.length < maxMessages && current.batch.tryAddMessage(message, options)) {
        current.indices.push(index);
        continue;
      }
      finish(current);
      current = undefined;
    }
    const batch = await make.batch();
    if (batch.tryAddMessage(message, options)) {
      current = { key, indices: [index], batch };
      open.set(key, current);
    } else {
      const fitsAlone = (await make.measure()).tryAddMessage(message, options);
      parts.push({ key, indices: [index], content: fitsAlone ? message : undefined });
    }
  }
  for (const filling of open.values()) finish(filling);
  return parts;
}

/** A part that takes more. */
interface Filling {
  readonly key: string;
  readonly indices: number[];
  readonly batch: ServiceBusMessageBatch;
}
