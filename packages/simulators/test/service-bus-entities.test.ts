import type { ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { refuses } from "./support/refusal.ts";
import { officialClient } from "./support/official-client.ts";

let bus: ServiceBusSimulator;
let client: ServiceBusClient;

beforeEach(async () => {
  bus = await serviceBus({
    queues: [
      "orders",
      "archive",
      { name: "inbox", forwardTo: "archive" },
      { name: "careful", forwardDeadLetteredMessagesTo: "archive", maxDeliveryCount: 1 },
      { name: "astray", forwardTo: "nowhere" },
      { name: "loop", forwardTo: "pool" },
      { name: "pool", forwardTo: "loop" },
      { name: "ephemeral", defaultTimeToLiveMs: 60_000, deadLetterOnExpiration: true },
      { name: "forgetful" },
    ],
  });
  client = officialClient(bus);
});

afterEach(async () => {
  await client.close();
  await bus.close();
});

async function one(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 15_000 });
  if (message === undefined) throw new Error("no message came");
  return message;
}

const peekLock = { maxAutoLockRenewalDurationInMs: 0 };

describe("forwarding", () => {
  it("hands messages on, and tells in the journal", async () => {
    await client.createSender("inbox").sendMessages({ body: 1, messageId: "m" });
    expect(await one(client.createReceiver("archive"))).toMatchObject({ body: 1, messageId: "m" });
    expect(bus.journal.forwarded("inbox")).toMatchObject([{ to: "archive", messageId: "m" }]);
    expect(bus.queue("inbox")).toMatchObject({ activeMessages: 0, sizeBytes: 0 });
  });

  it("hands dead letters on with the reason and the source", async () => {
    await client.createSender("careful").sendMessages({ body: 1 });
    const receiver = client.createReceiver("careful", peekLock);
    await receiver.abandonMessage(await one(receiver));
    expect(await one(client.createReceiver("archive"))).toMatchObject({
      deadLetterReason: "MaxDeliveryCountExceeded",
      deadLetterSource: "careful",
    });
    expect(bus.queue("careful").deadLetterMessages).toBe(0);
    expect(bus.journal.deadLettered("careful")).toMatchObject([
      { by: "broker", reason: "MaxDeliveryCountExceeded", forwardedTo: "archive" },
    ]);
  });

  it("keeps what it cannot hand on in the transfer dead-letter queue", async () => {
    await client.createSender("astray").sendMessages({ body: "lost" });
    await client.createSender("loop").sendMessages({ body: "round" });
    expect(bus.queue("astray").transferDeadLetterMessages).toBe(1);
    const dead = await one(client.createReceiver("astray", { subQueueType: "transferDeadLetter" }));
    expect(dead.body).toBe("lost");
    expect(dead.deadLetterErrorDescription).toMatch(/nowhere' could not be found/);
    expect(bus.journal.forwarded().at(-1)).toMatchObject({ failure: "MaxTransferHopCountExceeded" });
  });
});

describe("time to live", () => {
  it("dead-letters on expiry with nobody receiving, by the message's or the entity's time", async () => {
    const sender = client.createSender("ephemeral");
    await sender.sendMessages({ body: "brief", timeToLive: 100 });
    await sender.sendMessages({ body: "long", timeToLive: 9_999_999 });
    await expect.poll(() => bus.queue("ephemeral").deadLetterMessages).toBe(1);
    expect(bus.journal.deadLettered("ephemeral")).toMatchObject([{ reason: "TTLExpiredException" }]);
    expect(bus.journal.expired("ephemeral")).toMatchObject([{ deadLettered: true }]);
    expect((await one(client.createReceiver("ephemeral", peekLock))).body).toBe("long");
  });

  it("forgets what expires where dead-lettering on expiration is off", async () => {
    await client.createSender("forgetful").sendMessages({ body: 1, timeToLive: 50 });
    await expect
      .poll(() => bus.queue("forgetful"))
      .toMatchObject({
        activeMessages: 0,
        deadLetterMessages: 0,
        sizeBytes: 0,
      });
    expect(bus.journal.expired("forgetful")).toMatchObject([{ deadLettered: false }]);
  });
});

describe("locks", () => {
  it("can be stolen: the holder has lost it and nobody else gets the message", async () => {
    await client.createSender("orders").sendMessages({ body: 1 });
    const receiver = client.createReceiver("orders", peekLock);
    const message = await one(receiver);
    expect(bus.queue("orders").stealLocks()).toBe(1);
    await expect(receiver.completeMessage(message)).rejects.toMatchObject({ code: "MessageLockLost" });
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 200 })).toEqual([]);
    expect(bus.queue("orders").lockedMessages).toBe(1);
  });

  it("notes each renewal, and each delivery and settlement with its reason", async () => {
    await client.createSender("orders").sendMessages({ body: 1, messageId: "m" });
    const receiver = client.createReceiver("orders", peekLock);
    const message = await one(receiver);
    await receiver.renewMessageLock(message);
    expect(bus.journal.renewals("orders")).toMatchObject([{ messageId: "m", lockToken: message.lockToken }]);
    await receiver.deadLetterMessage(message, {
      deadLetterReason: "Bad",
      deadLetterErrorDescription: "no sum",
    });
    expect(bus.journal.settled("orders")).toMatchObject([
      { disposition: "dead-lettered", reason: "Bad", description: "no sum" },
    ]);
  });
});

describe("entities that change while clients are attached", () => {
  it.each([
    ["SendDisabled", "send"],
    ["ReceiveDisabled", "receive"],
  ] as const)("%s detaches those who %s, and only those", async (status, role) => {
    const sender = client.createSender("orders");
    const receiver = client.createReceiver("orders", peekLock);
    await sender.sendMessages([{ body: 1 }, { body: 2 }]);
    await one(receiver);
    bus.queue("orders").setStatus(status);
    const send = (): Promise<void> => sender.sendMessages({ body: 3 });
    const receive = (): Promise<unknown> => one(receiver);
    const [refused, allowed] = role === "send" ? [send, receive] : [receive, send];
    await allowed();
    await refuses(refused, "MessagingEntityDisabled");
    bus.queue("orders").enable();
    await sender.sendMessages({ body: 4 });
    await one(receiver);
  });

  it("leaves a queue alone whose name only begins like the one that is deleted", async () => {
    await using other = await serviceBus({ queues: ["a", "a/b"] });
    const another = officialClient(other);
    await another.createSender("a/b").sendMessages({ body: 1 });
    other.queue("a").delete();
    expect(other.queue("a/b").activeMessages).toBe(1);
    expect(other.journal.detaches()).toEqual([]);
    await another.close();
  });

  it("detaches everybody when the queue is deleted", async () => {
    const receiver = client.createReceiver("orders", peekLock);
    const sender = client.createSender("orders");
    await sender.sendMessages({ body: 1 });
    await one(receiver);
    bus.queue("orders").delete();
    await refuses(() => sender.sendMessages({ body: 1 }), "MessagingEntityNotFound");
    await refuses(() => one(receiver), "MessagingEntityNotFound");
    expect(() => bus.queue("orders")).toThrow(RangeError);
  });
});
