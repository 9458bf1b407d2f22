import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { abortErrorOf, type AbortSignalLike } from "@holdfast/core";

// Far below the 2047 unsettled messages at which the official receiver stops (service-bus.md, gap 5).
const heldPerReceiver = 1_000;
const largestBatch = 100;
// A dead letter that is there comes at once; nothing for so long means that the rest is locked by others.
const patienceMs = 2_000;

/** What receives dead letters: opened anew when one receiver holds as much as it can. */
export interface Pulling {
  readonly open: () => ServiceBusReceiver;
  /** The sequence numbers that are wanted, as text; what is found is taken out. */
  readonly wanted: Set<string>;
  readonly handle: (message: ServiceBusReceivedMessage, receiver: ServiceBusReceiver) => Promise<void>;
  /** Messages to lock at a time, at most 100: no more than can be handled before their locks run out. */
  readonly batch: number;
  readonly abortSignal: AbortSignalLike | undefined;
}

/**
 * Receives until every wanted message was handled or no more come. There is no way to receive one message out of turn, so
 * what is in front of it is locked and given back at the end, changed in nothing but its delivery count.
 */
export async function pull({ open, wanted, handle, batch, abortSignal }: Pulling): Promise<void> {
  const batchSize = Math.min(largestBatch, Math.max(1, Math.floor(batch)));
  const receivers: { readonly receiver: ServiceBusReceiver; readonly held: ServiceBusReceivedMessage[] }[] =
    [];
  const passed = new Set<string>();
  try {
    while (wanted.size > 0) {
      stopIfAborted(abortSignal);
      let current = receivers.at(-1);
      if (current === undefined || current.held.length + batchSize > heldPerReceiver) {
        current = { receiver: open(), held: [] };
        receivers.push(current);
      }
      const messages = await current.receiver.receiveMessages(batchSize, {
        maxWaitTimeInMs: patienceMs,
        ...(abortSignal === undefined ? {} : { abortSignal: abortSignal as AbortSignal }),
      });
      let isNews = false;
      const later: ServiceBusReceivedMessage[] = [];
      for (const message of messages) {
        const sequenceNumber = String(message.sequenceNumber);
        if (!passed.has(sequenceNumber)) isNews = true;
        passed.add(sequenceNumber);
        if (wanted.delete(sequenceNumber)) later.push(message);
        else current.held.push(message);
      }
      current.held.push(...later);
      for (const message of later) {
        stopIfAborted(abortSignal);
        await handle(message, current.receiver);
        current.held.splice(current.held.indexOf(message), 1);
      }
      // Nothing, or only what was seen and whose lock ran out meanwhile: the round is complete.
      if (!isNews) return;
    }
  } finally {
    await Promise.all(receivers.map(({ receiver, held }) => giveBack(receiver, held)));
  }
}

function stopIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw abortErrorOf(signal);
}

async function giveBack(
  receiver: ServiceBusReceiver,
  held: readonly ServiceBusReceivedMessage[],
): Promise<void> {
  // A lock that has run out has given the message back by itself.
  await Promise.allSettled(held.map((message) => receiver.abandonMessage(message)));
  await receiver.close().catch(() => {});
}
