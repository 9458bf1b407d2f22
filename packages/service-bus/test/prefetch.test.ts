import { delayAcknowledgement } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { queue, receivingBench, recording, type ReceivingBench } from "./receiving-bench.ts";

const bodies = (messages: readonly { body: unknown }[]): unknown[] => messages.map(({ body }) => body);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const locked = (at: ReceivingBench): number => at.bus.queue(queue).lockedMessages;
const settled = (at: ReceivingBench): string[] =>
  at.bus.journal.settled(queue).map(({ disposition }) => disposition);

it("asks for so many messages ahead, and for others in place of what is taken, in order", async () => {
  await using at = await receivingBench();
  await at.fill(50);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 20 });
  expect(locked(at)).toBe(0);
  const first = await receiver.receiveMessages(10);
  await expect.poll(() => locked(at)).toBe(30);
  const second = await receiver.receiveMessages(10);
  expect(bodies([...first, ...second])).toEqual(upTo(20));
  await expect.poll(() => locked(at)).toBe(40);
  await Promise.all([...first, ...second].map((message) => receiver.completeMessage(message)));
  const rest = await receiver.receiveMessages(30);
  expect(bodies(rest)).toEqual(upTo(50).slice(20));
  await Promise.all(rest.map((message) => receiver.completeMessage(message)));
  expect(settled(at)).toEqual(Array.from({ length: 50 }, () => "completed"));
});

it("asks for nothing ahead without the option", async () => {
  await using at = await receivingBench();
  await at.fill(20);
  const receiver = at.client.createReceiver(queue);
  expect(await receiver.receiveMessages(5)).toHaveLength(5);
  expect(at.bus.journal.delivered(queue)).toHaveLength(5);
});

it("feeds the iterator, one call for each message", async () => {
  await using at = await receivingBench();
  await at.fill(12);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 5 });
  const seen: unknown[] = [];
  for await (const message of receiver.getMessageIterator()) {
    seen.push(message.body);
    await receiver.completeMessage(message);
    if (seen.length === 12) break;
  }
  expect(seen).toEqual(upTo(12));
});

it("returns nothing when nothing came in time, and what comes later with the next call", async () => {
  await using at = await receivingBench();
  const receiver = at.client.createReceiver(queue, { prefetchCount: 5 });
  expect(await receiver.receiveMessages(5, { maxWaitTimeInMs: 300 })).toEqual([]);
  await at.fill(3);
  await expect.poll(() => locked(at)).toBe(3);
  expect(bodies(await receiver.receiveMessages(3))).toEqual(upTo(3));
});

it.each(["close", "subscribe"] as const)("abandons what waits at %s()", async (end) => {
  await using at = await receivingBench();
  await at.fill(8);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 5 });
  const [first] = await receiver.receiveMessages(1);
  await receiver.completeMessage(first!);
  await expect.poll(() => locked(at)).toBe(4);
  const handlers = recording();
  if (end === "close") await receiver.close();
  else receiver.subscribe(handlers);
  await expect.poll(() => settled(at).filter((disposition) => disposition === "abandoned").length).toBe(4);
  if (end === "close") expect(at.bus.queue(queue).activeMessages).toBe(7);
  else await expect.poll(() => handlers.bodies.length).toBe(7);
  await expect.poll(() => locked(at)).toBe(0);
});

it("keeps asking for messages after a subscription that ended while it still gave back what it had", async () => {
  await using at = await receivingBench();
  const receiver = at.client.createReceiver(queue, { prefetchCount: 4 });
  expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 1 })).toEqual([]);
  at.bus.faults.next("drain", delayAcknowledgement(400));
  void receiver.subscribe(recording()).close();
  await at.fill(12);
  const seen: unknown[] = [];
  while (seen.length < 12) {
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 2_000 });
    seen.push(message?.body);
    if (seen.length === 1) await expect.poll(() => locked(at)).toBe(4);
    if (message !== undefined) await receiver.completeMessage(message);
  }
  expect(seen).toEqual(upTo(12));
});

it("asks for nothing ahead any more when its link opens after it was closed", async () => {
  await using at = await receivingBench();
  await at.fill(8);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 5 });
  at.bus.faults.next("attach", delayAcknowledgement(200));
  const tokens = at.bus.journal.tokens().length;
  const attaches = at.bus.journal.attaches(queue).length;
  const received = receiver.receiveMessages(2);
  const ended = expect(received).rejects.toMatchObject({ name: "AbortError" });
  // Its attach follows, and is answered late.
  await expect.poll(() => at.bus.journal.tokens().length).toBe(tokens + 1);
  await receiver.close();
  await ended;
  await expect.poll(() => locked(at)).toBe(0);
  expect(at.bus.journal.attaches(queue)).toHaveLength(attaches + 1);
});

it("keeps the locks of what waits", async () => {
  await using at = await receivingBench({ lockDurationMs: 5_000 });
  await at.fill(3);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 3 });
  const [first] = await receiver.receiveMessages(1);
  await receiver.completeMessage(first!);
  const renewed = (): number =>
    new Set(at.bus.journal.renewals(queue).map(({ sequenceNumber }) => sequenceNumber)).size;
  await expect.poll(renewed).toBe(2);
  expect(bodies(await receiver.receiveMessages(2))).toEqual([1, 2]);
  expect(at.bus.journal.delivered(queue)).toHaveLength(3);
});

it("leaves what a call had gathered when it was aborted to the next, undelivered as before", async () => {
  await using at = await receivingBench();
  await at.fill(3);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 10 });
  const abort = new AbortController();
  const received = receiver.receiveMessages(5, { abortSignal: abort.signal, fill: true });
  await expect.poll(() => locked(at)).toBe(3);
  abort.abort();
  await expect(received).rejects.toMatchObject({ name: "AbortError" });
  const next = await receiver.receiveMessages(3);
  expect(next.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    [0, 0],
    [1, 0],
    [2, 0],
  ]);
  expect(at.bus.journal.delivered(queue)).toHaveLength(3);
});

it("hands out what waited when the connection is dropped, settles it, and goes on", async () => {
  await using at = await receivingBench();
  await at.fill(30);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 10 });
  const seen: unknown[] = [];
  const take = async (count: number): Promise<void> => {
    for (const message of await receiver.receiveMessages(count)) {
      seen.push(message.body);
      await receiver.completeMessage(message);
    }
  };
  await take(5);
  await expect.poll(() => locked(at)).toBe(10);
  at.bus.dropConnections();
  while (seen.length < 30) await take(10);
  expect(seen.sort((a, b) => Number(a) - Number(b))).toEqual(upTo(30));
  expect(settled(at)).toEqual(Array.from({ length: 30 }, () => "completed"));
});

it("goes on on another connection when the one is dropped that a call waits on", async () => {
  await using at = await receivingBench();
  const receiver = at.client.createReceiver(queue, { prefetchCount: 5 });
  const call = receiver.receiveMessages(1, { maxWaitTimeInMs: 20_000 });
  await expect.poll(() => at.bus.journal.attaches(queue)).toHaveLength(1);
  at.bus.dropConnections();
  await at.fill(1);
  expect(bodies(await call)).toEqual([0]);
});

it("hands out no message whose lock was lost while it waited", async () => {
  await using at = await receivingBench();
  await at.fill(3);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 3 });
  await receiver.receiveMessages(1);
  await expect.poll(() => locked(at)).toBe(3);
  at.bus.queue(queue).expireLocks();
  at.bus.detachLinks(queue);
  await expect
    .poll(() => at.events.filter(({ type }) => type === "lock-lost").length, { timeout: 20_000 })
    .toBe(3);
  const again = await receiver.receiveMessages(3);
  expect(again.map(({ deliveryCount }) => deliveryCount)).toEqual([1, 1, 1]);
});

it("brings 4000 messages while one is held from the beginning", async () => {
  await using at = await receivingBench();
  await at.fill(4_000);
  const receiver = at.client.createReceiver(queue, { prefetchCount: 200 });
  const [held] = await receiver.receiveMessages(1);
  let completed = 0;
  while (completed < 3_999) {
    const batch = await receiver.receiveMessages(100);
    await Promise.all(batch.map((message) => receiver.completeMessage(message)));
    completed += batch.length;
  }
  await receiver.completeMessage(held!);
  expect(settled(at)).toEqual(Array.from({ length: 4_000 }, () => "completed"));
});

it.each([
  [-1, "a whole number from 0 to 1500"],
  [1.5, "a whole number from 0 to 1500"],
  [1_501, "a whole number from 0 to 1500"],
  ["5", "a whole number from 0 to 1500"],
])("refuses prefetchCount %s", async (prefetchCount, range) => {
  await using at = await receivingBench();
  expect(() => at.client.createReceiver(queue, { prefetchCount: prefetchCount as number })).toThrow(
    expect.objectContaining({ message: expect.stringContaining(range) as string }) as Error,
  );
});

it("refuses to ask ahead for what would be lost with the process", async () => {
  await using at = await receivingBench();
  const options = { prefetchCount: 1, receiveMode: "receiveAndDelete" } as const;
  expect(() => at.client.createReceiver(queue, options)).toThrow("prefetchCount");
});
