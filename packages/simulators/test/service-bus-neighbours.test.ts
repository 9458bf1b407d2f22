import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";

type Settle = (receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) => Promise<void>;

const settle = {
  complete: (receiver, message) => receiver.completeMessage(message),
  abandon: (receiver, message) => receiver.abandonMessage(message),
  defer: (receiver, message) => receiver.deferMessage(message),
  deadLetter: (receiver, message) =>
    receiver.deadLetterMessage(message, { deadLetterReason: "r", deadLetterErrorDescription: "d" }),
} satisfies Record<string, Settle>;

type Verb = keyof typeof settle;

/** What the service saw when the official client settles neighbours, each in its own way, in one tick. */
async function seenFor(verbs: readonly Verb[]): Promise<{ told: string[]; seen: string[] }> {
  await using bus = await serviceBus({ queues: ["orders"] });
  const client = officialClient(bus);
  await client.createSender("orders").sendMessages(verbs.map((verb) => ({ body: verb })));
  const receiver = client.createReceiver("orders", { maxAutoLockRenewalDurationInMs: 0 });
  const messages: ServiceBusReceivedMessage[] = [];
  while (messages.length < verbs.length) {
    messages.push(...(await receiver.receiveMessages(verbs.length, { maxWaitTimeInMs: 500 })));
  }
  // Not all wait for the same; what has been delivered is settled now, in one turn of the event loop.
  const outcomes = await Promise.allSettled(
    messages.map((message, index) => settle[verbs[index] ?? "complete"](receiver, message)),
  );
  const seen = bus.journal
    .settled("orders")
    .sort((a, b) => a.sequenceNumber - b.sequenceNumber)
    .map(({ disposition }) => disposition);
  await client.close();
  return { told: outcomes.map(({ status }) => status), seen };
}

// rhea joins the dispositions of neighbours into one range and does not compare the first two (session.js,
// write_dispositions): the second message, and all after it that are settled like it, are settled as the first was,
// and the callers are told that all went well.
// This is what the official client does, written down so that whoever wraps it can defend against it.
describe("the official client settling neighbours differently in one tick", () => {
  it.each([
    [
      ["complete", "deadLetter"],
      ["completed", "completed"],
    ],
    [
      ["deadLetter", "complete"],
      ["dead-lettered", "dead-lettered"],
    ],
    [
      ["complete", "abandon"],
      ["completed", "completed"],
    ],
    [
      ["defer", "complete"],
      ["deferred", "deferred"],
    ],
    [
      ["complete", "complete", "deadLetter"],
      ["completed", "completed", "dead-lettered"],
    ],
    [
      ["deadLetter", "complete", "complete"],
      ["dead-lettered", "dead-lettered", "dead-lettered"],
    ],
  ] as const)("%j is seen as %j", async (verbs, expected) => {
    const { told, seen } = await seenFor(verbs);
    expect(seen).toEqual(expected);
    expect(new Set(told)).toEqual(new Set(["fulfilled"]));
  });
});
