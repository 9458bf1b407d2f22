import { delayAcknowledgement, loseAcknowledgement, reject } from "@holdfast/simulators/service-bus";
import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { expect, it } from "vitest";
import { failureOf, serviceBusPolicies, type ServiceBusReceiver } from "@holdfast/service-bus";
import { timed } from "../../../test/own-time/own-time.ts";
import { queue, receivingBench, sleep } from "./receiving-bench.ts";

const oneOf = async (receiver: ServiceBusReceiver) => {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
  if (message === undefined) throw new Error("No message came.");
  return message;
};

it("SBC-067 resolves only when the service has confirmed", async () => {
  await using at = await receivingBench();
  await at.fill(1);
  const receiver = at.client.createReceiver(queue);
  const message = await oneOf(receiver);
  at.bus.faults.next("settle", delayAcknowledgement(500));
  expect((await timed(receiver.completeMessage(message))).ms).toBeGreaterThanOrEqual(495);
});

it("SBC-009, SBC-053 settles once for a hundred calls at once, repeats itself without harm, and refuses another settlement", async () => {
  await using at = await receivingBench();
  await at.fill(1);
  const receiver = at.client.createReceiver(queue);
  const message = await oneOf(receiver);
  await Promise.all(Array.from({ length: 100 }, () => receiver.completeMessage(message)));
  await receiver.completeMessage(message);
  expect(at.bus.journal.settled(queue)).toHaveLength(1);
  expect(at.bus.journal.refusals(queue)).toEqual([]);
  await expect(receiver.abandonMessage(message)).rejects.toThrow(
    "The message has either been deleted or already settled",
  );
});

it("rejects with an unknown outcome when the confirmation is lost, and never calls it a success", async () => {
  await using at = await receivingBench(
    {},
    { resilience: { policies: serviceBusPolicies({ "serviceBus.settle": { attemptTimeoutMs: 700 } }) } },
  );
  await at.fill(1);
  const receiver = at.client.createReceiver(queue);
  const message = await oneOf(receiver);
  at.bus.faults.next("settle", loseAcknowledgement({ stored: true }));
  const { error, ms, ownMs } = await timed(receiver.completeMessage(message));
  expect(failureOf(error)).toMatchObject({ outcome: "unknown" });
  expect(ms).toBeGreaterThanOrEqual(695);
  expect(ownMs).toBeLessThan(5_000);
});

it("settles by the management node when the link did not answer, and the service had not carried it out", async () => {
  await using at = await receivingBench(
    {},
    { resilience: { policies: serviceBusPolicies({ "serviceBus.settle": { attemptTimeoutMs: 700 } }) } },
  );
  await at.fill(1);
  const receiver = at.client.createReceiver(queue);
  const message = await oneOf(receiver);
  at.bus.faults.next("settle", loseAcknowledgement({ stored: false }));
  await receiver.completeMessage(message);
  expect(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "completed", via: "management" }]);
});

it("repeats a settlement that was refused for the moment, where it is not over", async () => {
  await using at = await receivingBench();
  await at.fill(1);
  const receiver = at.client.createReceiver(queue);
  const message = await oneOf(receiver);
  at.bus.faults.next("settle", reject({ condition: "amqp:internal-error" }));
  await receiver.deadLetterMessage(message, { deadLetterReason: "why", deadLetterErrorDescription: "what" });
  expect(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "dead-lettered", via: "management" }]);
});

it.each([
  [
    "another receiver of the client",
    async (at: Awaited<ReturnType<typeof receivingBench>>) => {
      const former = at.client.createReceiver(queue);
      return { message: await oneOf(former), settler: at.client.createReceiver(queue) };
    },
  ],
  [
    "a receiver whose link is gone since",
    async (at: Awaited<ReturnType<typeof receivingBench>>) => {
      const receiver = at.client.createReceiver(queue);
      const message = await oneOf(receiver);
      at.bus.detachLinks(queue);
      await sleep(100);
      return { message, settler: receiver };
    },
  ],
  [
    "a receiver whose connection is another since",
    async (at: Awaited<ReturnType<typeof receivingBench>>) => {
      const receiver = at.client.createReceiver(queue);
      const message = await oneOf(receiver);
      at.bus.dropConnections();
      await sleep(300);
      return { message, settler: receiver };
    },
  ],
])("settles through %s", async (_, arrange) => {
  await using at = await receivingBench();
  await at.fill(1);
  const { message, settler } = await arrange(at);
  await settler.completeMessage(message);
  expect(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "completed" }]);
});

it("settles on the connection that a message came by when the next links are on another", async () => {
  await using at = await receivingBench();
  await at.fill(2);
  const former = at.client.createReceiver(queue);
  const message = await oneOf(former);
  at.client.updateCredential(at.bus.connectionString);
  const latter = await oneOf(at.client.createReceiver(queue));
  await Promise.all([former.completeMessage(message), former.completeMessage(latter)]);
  const [came, wentOn] = at.bus.journal.delivered(queue);
  expect(came!.connection).not.toBe(wentOn!.connection);
  const settled = at.bus.journal.settled(queue);
  expect(settled).toHaveLength(2);
  for (const { sequenceNumber, connection } of [came!, wentOn!])
    expect(settled.find((one) => one.sequenceNumber === sequenceNumber)).toMatchObject({
      ...{ disposition: "completed", via: "link", connection },
    });
});

it("settles a message that has a session's id, in a queue without sessions, when its link has gone unheard", async () => {
  await using at = await receivingBench();
  await at.fill([{ body: 1, sessionId: "customer" }]);
  const receiver = at.client.createReceiver(queue);
  const message = await oneOf(receiver);
  // As it is for the official client when the link has ended.
  Object.assign(message, { delivery: { link: { name: "gone" } } });
  await receiver.completeMessage(message);
  expect(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "completed", via: "management" }]);
});

it("keeps neighbouring settlements of different kinds apart", async () => {
  await using at = await receivingBench();
  await at.fill(6);
  const receiver = at.client.createReceiver(queue);
  const [a, b, c, d, e, f] = await receiver.receiveMessages(6, { maxWaitTimeInMs: 5_000 });
  if (!a || !b || !c || !d || !e || !f) throw new Error("Six messages were expected.");
  await Promise.all([
    receiver.completeMessage(a),
    receiver.deadLetterMessage(b, { deadLetterReason: "one", deadLetterErrorDescription: "" }),
    receiver.deadLetterMessage(c, { deadLetterReason: "two", deadLetterErrorDescription: "" }),
    receiver.abandonMessage(d),
    receiver.deferMessage(e),
    receiver.completeMessage(f),
  ]);
  const settled = at.bus.journal.settled(queue).sort((x, y) => x.sequenceNumber - y.sequenceNumber);
  expect(settled.map(({ disposition }) => disposition)).toEqual([
    ...["completed", "dead-lettered", "dead-lettered", "abandoned", "deferred", "completed"],
  ]);
  expect(at.bus.journal.deadLettered(queue).map(({ reason }) => reason)).toEqual(["one", "two"]);
});

it("needs to: the official client writes a dead-lettering beside a completion as two of a kind", async () => {
  await using at = await receivingBench();
  await at.fill(2);
  const official = new OfficialClient(at.bus.connectionString);
  const receiver = official.createReceiver(queue);
  const [a, b] = await receiver.receiveMessages(2, { maxWaitTimeInMs: 5_000 });
  if (!a || !b) throw new Error("Two messages were expected.");
  const outcomes = Promise.allSettled([
    receiver.completeMessage(a),
    receiver.deadLetterMessage(b, { deadLetterReason: "bad", deadLetterErrorDescription: "" }),
  ]);
  await expect.poll(() => at.bus.journal.settled(queue).length).toBe(2);
  // The dead letter is gone.
  expect(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual([
    "completed",
    "completed",
  ]);
  await outcomes;
  await official.close();
});

it("refuses what cannot be settled in the official client's words", async () => {
  await using at = await receivingBench();
  await at.fill(2);
  const deleting = at.client.createReceiver(queue, { receiveMode: "receiveAndDelete" });
  const [deleted] = await deleting.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
  if (!deleted) throw new Error("A message was expected.");
  await expect(deleting.completeMessage(deleted)).rejects.toThrow(/receiveAndDelete/);
  const receiver = at.client.createReceiver(queue);
  const [peeked] = await receiver.peekMessages(1);
  if (!peeked) throw new Error("A message was expected.");
  await expect(receiver.completeMessage(peeked)).rejects.toThrow(/not supported for peeked messages/);
});
