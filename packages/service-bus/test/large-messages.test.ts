import { ServiceBusClient, type ServiceBusMessage, type ServiceBusReceivedMessage } from "@azure/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  decodeBody,
  encodeBody,
  LargeMessageReader,
  MemoryClaimCheckStore,
  releaseClaimCheck,
  restoreClaimCheck,
  type ClaimCheckStore,
  type LargeMessages,
} from "@holdfast/service-bus";
import { prepareLarge } from "../src/large-messages.ts";
import { encodedSizeAtMost, isSurelySmall } from "../src/message-size.ts";

const linkBytes = 65_536;
let bus: ServiceBusSimulator;
let client: ServiceBusClient;
beforeEach(async () => {
  bus = await serviceBus({
    queues: [
      { name: "orders", maxMessageSizeBytes: linkBytes },
      { name: "once", maxMessageSizeBytes: linkBytes, duplicateDetectionWindowMs: 60_000 },
    ],
  });
  client = new ServiceBusClient(bus.connectionString, { retryOptions: { maxRetries: 0 } });
});
afterEach(async () => {
  await client.close();
  await bus.close();
});

/** Sends as a sender of ours does: prepared once, then each message that this made. */
async function send(option: LargeMessages, message: ServiceBusMessage, queue = "orders"): Promise<number> {
  const sender = client.createSender(queue);
  const { maxSizeInBytes } = await sender.createMessageBatch();
  const outgoing = await prepareLarge(option).outgoing(message, maxSizeInBytes);
  for (const one of outgoing) await sender.sendMessages(one);
  return outgoing.length;
}

/** Receives everything, restores it, completes it; resolves with what a handler would have seen. */
async function receive(
  reader: LargeMessageReader,
  count: number,
  skipParsingBodyAsJson = false,
): Promise<ServiceBusReceivedMessage[]> {
  const receiver = client.createReceiver("orders", { skipParsingBodyAsJson });
  const handled: ServiceBusReceivedMessage[] = [];
  for (let received = 0; received < count;) {
    const messages = await receiver.receiveMessages(count - received, { maxWaitTimeInMs: 5_000 });
    if (messages.length === 0) throw new Error(`Only ${received} of ${count} messages came.`);
    received += messages.length;
    for (const message of messages) {
      const restored = await reader.restore(message);
      if (restored.status === "corrupt") throw restored.error;
      if (restored.status !== "complete") continue;
      handled.push(restored.message);
      for (const part of restored.parts) await receiver.completeMessage(part);
      restored.settled();
    }
  }
  await receiver.close();
  return handled;
}

const noise = (bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  for (let index = 0; index < bytes; index += 1) buffer[index] = (index * 7919) >> (index % 8);
  return buffer;
};

const bodies: [string, unknown][] = [
  ["bytes", noise(300_000)],
  ["text", "ñáéíóú🎉".repeat(20_000)],
  ["a value", { rows: Array.from({ length: 20_000 }, (_, id) => ({ id, name: "ñ" })) }],
  ["bytes that are digits, so that a part may be JSON", Buffer.from("1".repeat(200_000))],
];

describe.each([
  ["claim check", (store: ClaimCheckStore): LargeMessages => ({ claimCheck: { store } })],
  ["chunk", (): LargeMessages => "chunk"],
])("a message larger than the link takes (SBC-052): %s", (name, optionFor) => {
  it.each(bodies)("arrives as it was sent: %s", async (_name, body) => {
    const store = new MemoryClaimCheckStore();
    const message = {
      body,
      messageId: "order-1",
      contentType: "application/x-order",
      subject: "big",
      correlationId: 7,
      applicationProperties: { tenant: "a", n: 1 },
    };
    const sent = await send(optionFor(store), message);
    if (name === "chunk") expect(sent).toBeGreaterThan(2);
    else expect(sent).toBe(1);
    for (const stored of bus.journal.stored("orders")) {
      expect(stored.bytes).toBeLessThanOrEqual(linkBytes);
      expect(stored.subject).toBe("big");
    }
    using reader = new LargeMessageReader({ store });
    const [received, ...others] = await receive(reader, sent);
    expect(others).toEqual([]);
    expect(received).toMatchObject({
      messageId: "order-1",
      contentType: "application/x-order",
      correlationId: 7,
    });
    expect(received?.applicationProperties).toEqual({ tenant: "a", n: 1 });
    // As the official receiver would have parsed it, had it come whole.
    const expected = Buffer.isBuffer(body) ? parsed(body) : body;
    expect(received?.body).toEqual(expected);
    expect(bus.journal.settled("orders").map(({ disposition }) => disposition)).toEqual(
      Array.from({ length: sent }, () => "completed"),
    );
  });

  it("is read by its content type, and as bytes where the receiver wants them", async () => {
    const store = new MemoryClaimCheckStore();
    const text = "ñ".repeat(100_000);
    const sent = await send(optionFor(store), { ...encodeBody(text), messageId: "a" });
    using reader = new LargeMessageReader({ store, skipParsingBodyAsJson: true });
    const [received] = await receive(reader, sent, true);
    expect(received?.body).toEqual(Buffer.from(text));
    expect(decodeBody(received!)).toBe(text);
    expect(received?.applicationProperties).toBeUndefined();
  });

  it("may be an AmqpAnnotatedMessage", async () => {
    const store = new MemoryClaimCheckStore();
    const body = noise(150_000);
    const annotated = {
      body,
      bodyType: "data" as const,
      properties: { messageId: "a", groupId: "s", contentType: "x/y" },
      applicationProperties: { k: 1 },
    };
    const sent = await send(optionFor(store), annotated);
    using reader = new LargeMessageReader({ store });
    const [received] = await receive(reader, sent);
    expect(received).toMatchObject({ messageId: "a", sessionId: "s", contentType: "x/y", body });
    expect(received?.applicationProperties).toEqual({ k: 1 });
  });

  it("leaves small messages alone, and what it cannot help", async () => {
    const large = prepareLarge(optionFor(new MemoryClaimCheckStore()));
    const untouched = [
      { body: "small" },
      { body: noise(linkBytes - 2_000) },
      { body: "x".repeat(30_000), applicationProperties: { a: "b" } },
      { body: ["x".repeat(linkBytes)], bodyType: "sequence" },
      { body: 5n },
      { body: () => 1 },
    ];
    for (const message of untouched) {
      const [same, ...others] = await large.outgoing(message, linkBytes);
      expect(same).toBe(message);
      expect(others).toEqual([]);
    }
    expect(large.mayBeLarge({ body: { a: [1, "b", null] } }, linkBytes)).toBe(false);
  });

  it("never is handed over when its content was changed on the way", async () => {
    const store = new MemoryClaimCheckStore();
    const sender = client.createSender("orders");
    const message: ServiceBusMessage = { body: noise(150_000), messageId: "a" };
    const outgoing = await prepareLarge(optionFor(store)).outgoing(message, linkBytes);
    for (const one of outgoing) {
      const changed = { ...one.applicationProperties, "holdfast-content-sha256": "0".repeat(64) };
      await sender.sendMessages({ ...one, applicationProperties: changed });
    }
    using reader = new LargeMessageReader({ store });
    await expect(receive(reader, outgoing.length)).rejects.toMatchObject({ code: "content-mismatch" });
  });
});

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return bytes;
  }
}

describe("a claim check", () => {
  it("is cut for bodies over a threshold, is told what it stores, and is deleted when released", async () => {
    const store = new MemoryClaimCheckStore();
    const metas: unknown[] = [];
    const put = store.put.bind(store);
    store.put = (content, meta) => {
      metas.push(meta);
      return put(content, meta);
    };
    const option = { claimCheck: { store, thresholdBytes: 10 } };
    const scheduledEnqueueTimeUtc = new Date(Date.now() + 1_000);
    await send(option, { body: "12345678", messageId: "small" });
    await send(option, { body: "123456789", messageId: "b", timeToLive: 5_000, contentType: "x/y" });
    const later = { body: "123456789", messageId: 3, timeToLive: 5_000, scheduledEnqueueTimeUtc };
    await prepareLarge(option).outgoing(later, linkBytes);
    expect(metas).toMatchObject([
      { messageId: "b", contentType: "x/y", expiresAt: expect.any(Date) },
      {
        messageId: "3",
        contentType: undefined,
        expiresAt: new Date(scheduledEnqueueTimeUtc.getTime() + 5_000),
      },
    ]);
    expect(store.size).toBe(2);
    using reader = new LargeMessageReader({ store });
    const [, checked] = await receive(reader, 2);
    expect(checked?.body).toBe("123456789");
    await releaseClaimCheck(checked!, store);
    expect(store.size).toBe(1);
  });

  it("costs the send when the store fails, and the caller gets the store's own error", async () => {
    const full = new Error("the store is full");
    const store = { put: () => Promise.reject(full), get: () => Promise.reject(full) };
    await expect(send({ claimCheck: { store } }, { body: noise(100_000) })).rejects.toBe(full);
    expect(bus.journal.attempts("orders")).toHaveLength(0);
    const useless = { put: () => Promise.resolve(""), get: () => Promise.reject(full) };
    await expect(send({ claimCheck: { store: useless } }, { body: noise(100_000) })).rejects.toMatchObject({
      code: "malformed-content",
    });
  });

  it("whose content cannot be fetched leaves the message to be abandoned; one that is malformed is corrupt", async () => {
    const store = new MemoryClaimCheckStore();
    await send({ claimCheck: { store } }, { body: noise(100_000), messageId: "a" });
    const receiver = client.createReceiver("orders");
    const [message] = await receiver.receiveMessages(1);
    using elsewhere = new LargeMessageReader({ store: new MemoryClaimCheckStore() });
    await expect(elsewhere.restore(message!)).rejects.toThrow("There is no content");
    using nowhere = new LargeMessageReader();
    await expect(nowhere.restore(message!)).rejects.toMatchObject({ code: "misconfigured" });
    using reader = new LargeMessageReader({ store });
    const { "holdfast-content-length": _length, ...rest } = message!.applicationProperties!;
    expect(await reader.restore({ ...message!, applicationProperties: rest })).toMatchObject({
      status: "corrupt",
      error: { code: "malformed-content" },
      parts: [{ messageId: "a" }],
    });
    const restored = await restoreClaimCheck(message!, store);
    expect(await restoreClaimCheck(restored, store)).toBe(restored);
    // The copy is settled like the original.
    await receiver.completeMessage(restored);
    expect(bus.journal.settled("orders")).toMatchObject([{ disposition: "completed" }]);
  });
});

describe("chunks", () => {
  it("carry the message's session, or its partition key, or one of their own", async () => {
    const { outgoing } = prepareLarge("chunk");
    const body = noise(150_000);
    const sessions = async (part: object): Promise<Set<unknown>> => {
      const message: ServiceBusMessage = { body, messageId: "a", ...part };
      return new Set((await outgoing(message, linkBytes)).map(({ sessionId }) => sessionId));
    };
    expect(await sessions({ sessionId: "s" })).toEqual(new Set(["s"]));
    expect(await sessions({ partitionKey: "p" })).toEqual(new Set(["p"]));
    const own = await sessions({});
    expect(own.size).toBe(1);
    expect([...own][0]).toMatch(/^[\da-f]{64}$/);
  });

  it("have ids that duplicate detection knows again, when the same message is sent twice", async () => {
    const message = { body: noise(150_000), messageId: "order-1" };
    const sent = await send("chunk", message, "once");
    await send("chunk", message, "once");
    expect(bus.journal.stored("once")).toHaveLength(sent);
    expect(bus.journal.duplicates("once")).toHaveLength(sent);
    for (const { messageId } of bus.journal.stored("once")) expect(messageId.length).toBeLessThanOrEqual(128);
  });

  it("fit into a batch, each alone", async () => {
    const sender = client.createSender("orders");
    const applicationProperties = { a: "ñ".repeat(5_000), b: "x".repeat(5_000) };
    const message = {
      body: noise(300_000),
      messageId: "x".repeat(128),
      subject: "s".repeat(2_000),
      applicationProperties,
    };
    const chunks = await prepareLarge("chunk").outgoing(message, linkBytes);
    for (const chunk of chunks) {
      const batch = await sender.createMessageBatch();
      expect(batch.tryAddMessage(chunk)).toBe(true);
    }
    expect(chunks.length).toBeLessThan(14);
  });

  it("are refused for more bytes than a receiver holds, with the official code", async () => {
    const option = { chunk: { maxContentBytes: 100_000 } };
    await expect(send(option, { body: noise(100_001) })).rejects.toMatchObject({
      code: "MessageSizeExceeded",
      message: "The message's body has 100001 bytes; largeMessages.chunk.maxContentBytes allows 100000.",
    });
    expect(await send({ chunk: { maxChunkBytes: 10_000 } }, { body: noise(100_000) })).toBe(10);
  });
});

it("rejects by default: the service says what it always said", async () => {
  await expect(send("reject", { body: noise(100_000) })).rejects.toMatchObject({
    code: "MessageSizeExceeded",
  });
  expect(prepareLarge().mayBeLarge({ body: noise(100_000) }, linkBytes)).toBe(false);
});

it.each([
  ["split", "largeMessages must be"],
  [{}, "largeMessages must be"],
  [null, "largeMessages must be"],
  [{ chunk: {}, claimCheck: {} }, "largeMessages must be"],
  [{ chunk: null }, "largeMessages.chunk must be an object"],
  [{ chunk: { size: 1 } }, "largeMessages.chunk must be made of maxChunkBytes, maxContentBytes"],
  [
    { chunk: { maxChunkBytes: 0 } },
    "largeMessages.chunk.maxChunkBytes must be a whole number of bytes, 1 or more",
  ],
  [{ claimCheck: {} }, "largeMessages.claimCheck.store must be an object with put() and get()"],
  [
    { claimCheck: { store: new MemoryClaimCheckStore(), thresholdBytes: -1 } },
    "largeMessages.claimCheck.thresholdBytes must be a whole number of bytes, 0 or more",
  ],
])("refuses options that it does not understand: %j", (option, words) => {
  expect(() => prepareLarge(option as LargeMessages)).toThrow(
    expect.objectContaining({ code: "misconfigured", message: expect.stringContaining(words) }),
  );
});

describe("sizes (property)", () => {
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.double({ noInteger: true }),
    fc.boolean(),
  );
  const key = fc.string({ unit: "binary", maxLength: 30 }).filter((text) => text !== "__proto__");

  it("never say less than the official client needs", async () => {
    const sender = client.createSender("orders");
    const batch = await sender.createMessageBatch();
    const type = batch.constructor as new (context: unknown, maxBytes: number) => typeof batch;
    const context = (batch as unknown as { _context: unknown })._context;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 5_000 }),
        fc.dictionary(key, value),
        fc.string({ unit: "binary", maxLength: 128 }),
        (body, applicationProperties, text) => {
          const message = {
            body,
            applicationProperties,
            messageId: text.slice(0, 128),
            sessionId: text.slice(0, 128),
            subject: text.repeat(3),
            contentType: "application/json",
            timeToLive: 5_000,
            scheduledEnqueueTimeUtc: new Date(),
          };
          const one = new type(context, 1_000_000);
          expect(one.tryAddMessage(message)).toBe(true);
          const [encoded] = (one as unknown as { _encodedMessages: Buffer[] })._encodedMessages;
          const atMost = encodedSizeAtMost(message, body.byteLength);
          expect(atMost).toBeGreaterThanOrEqual(encoded!.length);
        },
      ),
    );
  });

  it("are told small without encoding only when they are", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.nat(500), (body, bytes) => {
        fc.pre(isSurelySmall(body, bytes));
        expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(bytes);
      }),
    );
    // Six bytes for each: \u0001.
    expect(isSurelySmall("\u0001".repeat(100), 500)).toBe(false);
    expect(isSurelySmall("x".repeat(100), 602)).toBe(true);
    expect(isSurelySmall({ toJSON: () => "x".repeat(1_000) }, 500)).toBe(false);
  });
});
