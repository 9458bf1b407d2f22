import type { CreateMessageBatchOptions, ServiceBusMessageBatch, ServiceBusSender } from "@azure/service-bus";
import type { Lifetime } from "./lifetime.ts";

// An open link answers createMessageBatch() from memory, within promise steps alone (9 of them in 7.9.5); a closed one
// needs the network, so no number of steps will do. That tells open from closed by the public API, at no cost.
const openWithinSteps = 40;

/** What asking for a batch showed. */
export interface Probe {
  /** An empty batch, if the link is open at this moment. */
  readonly batch: ServiceBusMessageBatch | undefined;
  /** Settles with the opening that the question began, if it was not. */
  readonly opened: Promise<void>;
}

/** Finds out whether the link of an official sender is open; if it is not, the official client begins to open it. */
export async function probeLink(
  sender: ServiceBusSender,
  options: CreateMessageBatchOptions | undefined,
  abortSignal: Lifetime,
): Promise<Probe> {
  const answer: { batch?: ServiceBusMessageBatch } = {};
  const opened = sender.createMessageBatch({ ...options, abortSignal }).then((batch) => {
    answer.batch = batch;
  });
  opened.catch(() => {
    // Heard where it is awaited: as the first attempt of the opening.
  });
  for (let step = 0; step < openWithinSteps && answer.batch === undefined; step += 1) await Promise.resolve();
  return { batch: answer.batch, opened };
}
