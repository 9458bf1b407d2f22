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
  const open = new Map<string, { batch: ServiceBusMessageBatch; indices: number[] }>();
  const finish = (key: string): void => {
    const filled = open.get(key);
    if (filled === undefined) return;
    open.delete(key);
    parts.push({ key, indices: filled.indices, content: filled.batch });
  };
  for (const [index, message] of messages.entries()) {
    const key = keyOf(message);
    const current = open.get(key);
    if (
      current !== undefined &&
      current.indices.length < maxMessages &&
      current.batch.tryAddMessage(message, options)
    ) {
      current.indices.push(index);
      continue;
    }
    finish(key);
    const batch = await make.batch();
    if (batch.tryAddMessage(message, options)) open.set(key, { batch, indices: [index] });
    else {
      const fitsAlone = (await make.measure()).tryAddMessage(message, options);
      parts.push({ key, indices: [index], content: fitsAlone ? message : undefined });
    }
  }
  for (const key of [...open.keys()]) finish(key);
  return parts;
}
