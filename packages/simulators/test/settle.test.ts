import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serverBusy, serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";

let bus: ServiceBusSimulator;
let client: ServiceBusClient;

beforeEach(async () => {
  bus = await serviceBus({
    queues: [
      "orders",
      { name: "brief", lockDurationMs: 1_000, maxDeliveryCount: 2 },
      { name: "dedup", duplicateDetectionWindowMs: 60_000 },
      { name: "ephemeral", defaultTimeToLiveMs: 50, deadLetterOnExpiration: true },
    ],
  });
  client = officialClient(bus);
});

afterEach(async () => {
  await client.close();
  await bus.close();
});

/** The client has heard all that was said on its connection: an answer on it comes behind that. */
async function heard(): Promise<void> {
  await client.createReceiver("dedup").peekMessages(1);
}

async function one(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 15_000 });
  if (message === undefined) throw new Error("no message came");
  return message;
}

describe("settling with the official client", () => {
  it("gives an abandoned message back with a higher delivery count and its modified properties", async () => {
    await client.createSender("orders").sendMessages({ body: 1, applicationProperties: { a: 1 } });
    const receiver = client.createReceiver("orders");
    await receiver.abandonMessage(await one(receiver), { b: "two" });
    const again = await one(receiver);
    expect(again.deliveryCount).toBe(1);
    expect(again.applicationProperties).toEqual({ a: 1, b: "two" });
    await receiver.completeMessage(again);
    expect(bus.journal.settled("orders").map(({ disposition }) => disposition)).toEqual([
      "abandoned",
      "completed",
    ]);
  });

  it("keeps a deferred message until it is asked for by its number", async () => {
    await client.createSender("orders").sendMessages({ body: "later" });
    const receiver = client.createReceiver("orders");
    const message = await one(receiver);
    await receiver.deferMessage(message);
    expect(bus.queue("orders")).toMatchObject({ activeMessages: 0, deferredMessages: 1 });
    if (message.sequenceNumber === undefined) throw new Error("no sequence number");
    const [deferred] = await receiver.receiveDeferredMessages(message.sequenceNumber);
    expect(deferred).toMatchObject({ body: "later", state: "deferred" });
    if (deferred !== undefined) await receiver.completeMessage(deferred);
    expect(bus.journal.settled("orders").at(-1)).toMatchObject({
      disposition: "completed",
      via: "management",
    });
    await expect(receiver.receiveDeferredMessages(message.sequenceNumber)).rejects.toMatchObject({
      code: "MessageNotFound",
    });
  });

  it("moves a dead-lettered message, with the reason, to the dead-letter queue", async () => {
    await client.createSender("orders").sendMessages({ body: "bad", messageId: "bad" });
    const receiver = client.createReceiver("orders");
    await receiver.deadLetterMessage(await one(receiver), {
      deadLetterReason: "Broken",
      deadLetterErrorDescription: "no total",
    });
    expect(bus.queue("orders")).toMatchObject({ activeMessages: 0, deadLetterMessages: 1 });
    const dead = await one(client.createReceiver("orders", { subQueueType: "deadLetter" }));
    expect(dead).toMatchObject({
      messageId: "bad",
      deadLetterReason: "Broken",
      deadLetterErrorDescription: "no total",
      deadLetterSource: "orders",
    });
  });

  it("gives a message back when its lock runs out, and dead-letters it after too many deliveries", async () => {
    await client.createSender("brief").sendMessages({ body: 1 });
    const receiver = client.createReceiver("brief", { maxAutoLockRenewalDurationInMs: 0 });
    const first = await one(receiver);
    const second = await one(receiver);
    expect(second.deliveryCount).toBe(1);
    await expect(receiver.completeMessage(first)).rejects.toMatchObject({ code: "MessageLockLost" });
    const dead = await one(client.createReceiver("brief", { subQueueType: "deadLetter" }));
    expect(dead.deadLetterReason).toBe("MaxDeliveryCountExceeded");
    expect(bus.journal.settled("brief").map(({ disposition, via }) => [disposition, via])).toEqual([
      ["lock-expired", "broker"],
      ["lock-expired", "broker"],
    ]);
  });

  it("keeps a lock alive while it is renewed", async () => {
    await client.createSender("brief").sendMessages({ body: 1 });
    const receiver = client.createReceiver("brief", { maxAutoLockRenewalDurationInMs: 0 });
    const message = await one(receiver);
    for (let renewal = 0; renewal < 4; renewal++) {
      await sleep(400);
      const until = await receiver.renewMessageLock(message);
      expect(until.getTime()).toBeGreaterThan(Date.now());
    }
    await receiver.completeMessage(message);
    expect(bus.journal.management("brief").map(({ operation, status }) => [operation, status])).toEqual(
      Array.from({ length: 4 }, () => ["com.microsoft:renew-lock", 200]),
    );
  });

  it("says that the lock is lost when it is renewed too late", async () => {
    await client.createSender("orders").sendMessages({ body: 1 });
    const receiver = client.createReceiver("orders", { maxAutoLockRenewalDurationInMs: 0 });
    const message = await one(receiver);
    bus.queue("orders").expireLocks(String(message.messageId));
    await expect(receiver.renewMessageLock(message)).rejects.toMatchObject({ code: "MessageLockLost" });
  });

  it("settles through $management when the receiver's link is gone", async () => {
    await client.createSender("orders").sendMessages({ body: 1 });
    const receiver = client.createReceiver("orders", { maxAutoLockRenewalDurationInMs: 0 });
    const message = await one(receiver);
    bus.detachLinks("orders");
    await heard();
    await receiver.completeMessage(message);
    expect(bus.journal.settled("orders")).toMatchObject([{ disposition: "completed", via: "management" }]);
  });

  it("deletes on delivery in receiveAndDelete mode", async () => {
    await client.createSender("orders").sendMessages([{ body: 1 }, { body: 2 }]);
    const receiver = client.createReceiver("orders", { receiveMode: "receiveAndDelete" });
    const messages = await receiver.receiveMessages(2, { maxWaitTimeInMs: 15_000 });
    expect(messages.map(({ body }) => body as number)).toEqual([1, 2]);
    expect(bus.queue("orders")).toMatchObject({ activeMessages: 0, sizeBytes: 0 });
  });

  it("feeds a subscription and completes what its handler has finished", async () => {
    await client.createSender("orders").sendMessages(Array.from({ length: 20 }, (_, n) => ({ body: n })));
    const seen: unknown[] = [];
    const subscription = client.createReceiver("orders").subscribe(
      {
        processMessage: (message) => {
          seen.push(message.body);
          return Promise.resolve();
        },
        processError: ({ error }) => Promise.reject(error),
      },
      { maxConcurrentCalls: 4 },
    );
    await expect.poll(() => bus.journal.settled("orders").length).toBe(20);
    await subscription.close();
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(bus.queue("orders").sizeBytes).toBe(0);
  });
});

describe("the store", () => {
  it("drops a second message with the same id, tells the client it was accepted, and writes both down", async () => {
    const sender = client.createSender("dedup");
    await sender.sendMessages({ body: "first", messageId: "same" });
    await sender.sendMessages({ body: "second", messageId: "same" });
    expect(bus.journal.accepted("dedup")).toHaveLength(2);
    expect(bus.journal.stored("dedup").map(({ body }) => body)).toEqual(["first"]);
    expect(bus.journal.duplicates("dedup")).toMatchObject([{ messageId: "same" }]);
  });

  it("shows messages to a peek without locking them", async () => {
    await client.createSender("orders").sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }]);
    const receiver = client.createReceiver("orders");
    expect((await receiver.peekMessages(2)).map(({ body }) => body as number)).toEqual([1, 2]);
    expect((await receiver.peekMessages(2)).map(({ body }) => body as number)).toEqual([3]);
    expect(await receiver.peekMessages(2)).toEqual([]);
    expect(bus.queue("orders").lockedMessages).toBe(0);
  });

  it("holds scheduled messages until they are due, and lets them be cancelled", async () => {
    const sender = client.createSender("orders");
    const [soon] = await sender.scheduleMessages([{ body: "soon" }], new Date(Date.now() + 300));
    const [never] = await sender.scheduleMessages([{ body: "never" }], new Date(Date.now() + 60_000));
    if (soon === undefined || never === undefined) throw new Error("no sequence numbers");
    expect(bus.queue("orders")).toMatchObject({ activeMessages: 0, scheduledMessages: 2 });
    await sender.cancelScheduledMessages(never);
    await expect(sender.cancelScheduledMessages(never)).rejects.toMatchObject({ code: "MessageNotFound" });
    const message = await one(client.createReceiver("orders"));
    expect(message.body).toBe("soon");
    expect(bus.queue("orders").scheduledMessages).toBe(0);
  });

  it("dead-letters what outlives its time to live", async () => {
    await client.createSender("ephemeral").sendMessages({ body: 1 });
    await sleep(80);
    expect(await client.createReceiver("ephemeral").receiveMessages(1, { maxWaitTimeInMs: 100 })).toEqual([]);
    const dead = await one(client.createReceiver("ephemeral", { subQueueType: "deadLetter" }));
    expect(dead.deadLetterReason).toBe("TTLExpiredException");
  });

  it("refuses further messages when it is full", async () => {
    await using full = await serviceBus({ queues: [{ name: "full", maxSizeBytes: 300 }] });
    const sender = officialClient(full).createSender("full");
    await sender.sendMessages({ body: "x".repeat(150) });
    await expect(sender.sendMessages({ body: "x".repeat(150) })).rejects.toMatchObject({
      code: "QuotaExceeded",
    });
    expect(full.journal.stored("full")).toHaveLength(1);
  });

  it("refuses links and sends while it is disabled, and serves again when enabled", async () => {
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: 1 });
    bus.queue("orders").disable();
    await heard();
    await expect(sender.sendMessages({ body: 2 })).rejects.toMatchObject({ code: "MessagingEntityDisabled" });
    bus.queue("orders").enable();
    await sender.sendMessages({ body: 3 });
    expect(bus.journal.stored("orders").map(({ body }) => body)).toEqual([1, 3]);
  });

  it("throttles the whole namespace when the second's credits are spent", async () => {
    await using busy = await serviceBus({ queues: ["a", "b"], credits: { perSecond: 50 } });
    const busyClient = officialClient(busy);
    await busyClient.createSender("a").sendMessages(Array.from({ length: 50 }, () => ({ body: 1 })));
    await expect(busyClient.createSender("b").sendMessages({ body: 1 })).rejects.toMatchObject({
      code: "ServiceBusy",
    });
    await sleep(1_000);
    await busyClient.createSender("b").sendMessages({ body: 1 });
    await busyClient.close();
  });

  it("answers a scripted throttle of a renewal with 503 and leaves the lock as it was", async () => {
    await client.createSender("orders").sendMessages({ body: 1 });
    const receiver = client.createReceiver("orders", { maxAutoLockRenewalDurationInMs: 0 });
    const message = await one(receiver);
    bus.faults.next("management", serverBusy(), { entity: "orders" });
    await expect(receiver.renewMessageLock(message)).rejects.toMatchObject({ code: "ServiceBusy" });
    await receiver.completeMessage(message);
    expect(bus.journal.management("orders")).toMatchObject([
      { status: 503, condition: "com.microsoft:server-busy" },
    ]);
  });
});
