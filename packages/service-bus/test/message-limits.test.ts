import { ServiceBusClient } from "@azure/service-bus";
import { HoldfastError } from "@holdfast/core";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkMessage, checkMessages } from "../src/message-limits.ts";

const long = "x".repeat(129);
const text = (bytes: number): string => "x".repeat(bytes);

/** What a function throws. */
function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}

describe("a message that the service would refuse, or store another than was meant", () => {
  it.each([
    ["messageId", { messageId: 1.5 }, "messages[3].messageId is 1.5"],
    ["messageId", { messageId: NaN }, "messages[3].messageId is NaN"],
    ["messageId", { messageId: Buffer.alloc(4) }, "messages[3].messageId has 4 bytes"],
    ["correlationId", { correlationId: Buffer.alloc(17) }, "messages[3].correlationId has 17 bytes"],
    ["partitionKey", { partitionKey: 5 }, "messages[3].partitionKey is a number"],
    ["replyToSessionId", { replyToSessionId: long }, "messages[3].replyToSessionId has 129 characters"],
    ["contentType", { contentType: "tëxt/plain" }, "messages[3].contentType has characters outside ASCII"],
    ["timeToLive", { timeToLive: 0 }, "messages[3].timeToLive is 0"],
    ["timeToLive", { timeToLive: NaN }, "messages[3].timeToLive is NaN"],
    [
      "an invalid date",
      { scheduledEnqueueTimeUtc: new Date(NaN) },
      "messages[3].scheduledEnqueueTimeUtc is an invalid Date",
    ],
    [
      "a date as text",
      { scheduledEnqueueTimeUtc: "2026-01-01" },
      "messages[3].scheduledEnqueueTimeUtc is a string",
    ],
    ["properties", { applicationProperties: ["a"] }, "messages[3].applicationProperties is an array"],
    ["properties", { applicationProperties: new Map([["a", 1]]) }, "is an object (Map)"],
    [
      "a nested property",
      { applicationProperties: { "a b": { c: 1 } } },
      'messages[3].applicationProperties["a b"] is an object; a property must be a string',
    ],
    ["an array", { applicationProperties: { a: [1] } }, '["a"] is an array'],
    ["a bigint", { applicationProperties: { a: 5n } }, '["a"] is a bigint'],
    ["a function", { applicationProperties: { a: () => 1 } }, '["a"] is a function'],
    ["an invalid date", { applicationProperties: { a: new Date(NaN) } }, '["a"] is an invalid Date'],
    [
      "33 KB",
      { applicationProperties: { a: text(33_792) } },
      '["a"] has 33792 bytes; a property may have at most 32768',
    ],
    ["33 KB of bytes", { applicationProperties: { a: Buffer.alloc(33_792) } }, '["a"] has 33792 bytes'],
    [
      "65 KB in all",
      { applicationProperties: { a: text(32_768), b: text(32_768) } },
      "messages[3].applicationProperties and the other properties have 65538 bytes; together they may have at most 65536",
    ],
    ["65 KB of header", { subject: text(66_000) }, "have 66000 bytes"],
  ])("is refused by name, value and limit: %s", (_name, part, words) => {
    const error = thrown(() => checkMessage({ body: 1, ...part }, 3));
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: "invalid-message", message: expect.stringContaining(words) });
  });

  it("is refused as an AmqpAnnotatedMessage too, by the paths of that form", () => {
    const annotated = { body: 1, bodyType: "data" };
    const check = (part: object): unknown => thrown(() => checkMessage({ ...annotated, ...part }));
    expect(check({ properties: { messageId: long } })).toMatchObject({
      code: "invalid-message",
      message: "message.properties.messageId has 129 characters; at most 128 are allowed.",
    });
    expect(check({ properties: { groupId: long } })).toMatchObject({ code: "invalid-message" });
    expect(check({ header: { timeToLive: -4 } })).toBeInstanceOf(RangeError);
    expect(
      check({ properties: { groupId: "a" }, messageAnnotations: { "x-opt-partition-key": "b" } }),
    ).toMatchObject({
      message: expect.stringContaining('message.messageAnnotations["x-opt-partition-key"] differs from'),
    });
  });

  it("never shows the value of an application property", () => {
    const error = thrown(() =>
      checkMessage({ body: 1, applicationProperties: { a: `secret${text(40_000)}` } }),
    );
    expect((error as Error).message).not.toContain("secret");
  });
});

describe("where the official client throws", () => {
  let bus: ServiceBusSimulator;
  let client: ServiceBusClient;
  beforeAll(async () => {
    bus = await serviceBus({ queues: ["orders"] });
    client = new ServiceBusClient(bus.connectionString, { retryOptions: { maxRetries: 0 } });
  });
  afterAll(async () => {
    await client.close();
    await bus.close();
  });

  it.each([
    ["messageId", { messageId: long }],
    ["messageId of another type", { messageId: true }],
    ["a negative messageId", { messageId: -5 }],
    ["a number of more than 64 bits", { messageId: 1e20 }],
    ["sessionId", { sessionId: long }],
    ["sessionId of another type", { sessionId: 5 }],
    ["partitionKey", { partitionKey: long }],
    ["sessionId and partitionKey", { sessionId: "a", partitionKey: "b" }],
    ["subject of another type", { subject: 5 }],
    ["contentType of another type", { contentType: 5 }],
    ["timeToLive of another type", { timeToLive: "5" }],
    ["negative timeToLive", { timeToLive: -5 }],
    ["an application property of more than 64 bits", { applicationProperties: { a: 1e20 } }],
  ])("its class stays, and its words where it has some: %s", async (_name, part) => {
    const message = { body: 1, ...part };
    const sender = client.createSender("orders");
    const official = (await sender.sendMessages(message as never).catch((error: unknown) => error)) as Error;
    const ours = thrown(() => checkMessage(message)) as Error;
    expect(official).toBeInstanceOf(Error);
    expect(ours.name).toBe(official.name);
    if (!(official instanceof RangeError)) {
      expect(ours.message.startsWith(official.message.replace(/\.$/, ""))).toBe(true);
    }
    expect(bus.journal.attempts("orders")).toHaveLength(0);
  });

  it("and what it sends passes, as does what it refuses as no message at all", async () => {
    const good = [
      { body: undefined },
      { body: 1, messageId: "", sessionId: "a", partitionKey: "a", timeToLive: Infinity },
      { body: 1, messageId: 0, correlationId: Buffer.alloc(16), messageId2: 1 },
      {
        body: 1,
        applicationProperties: {
          a: "b",
          b: 1,
          c: true,
          d: null,
          e: undefined,
          f: new Date(5),
          g: NaN,
          h: -1.5,
          i: -(2 ** 62),
        },
      },
      { body: 1, applicationProperties: { a: text(32_768) }, subject: text(32_000) },
      { body: 1, applicationProperties: { a: "ä".repeat(16_384) } },
    ];
    const sender = client.createSender("orders");
    for (const message of good) {
      expect(() => checkMessage(message)).not.toThrow();
      await sender.sendMessages(message);
    }
    for (const none of [undefined, null, 5, "text", { tryAddMessage: () => true, messageId: long }]) {
      expect(() => checkMessage(none)).not.toThrow();
    }
  });

  it("an array is checked whole, each message by its place", () => {
    expect(thrown(() => checkMessages([{ body: 1 }, { body: 1, messageId: long }]))).toMatchObject({
      message: expect.stringContaining("messages[1].messageId has 129 characters"),
    });
    expect(thrown(() => checkMessages({ body: 1, messageId: long }))).toMatchObject({
      message: expect.stringContaining("message.messageId has 129 characters"),
    });
  });
});

it("passes whatever has simple properties and short ids (property)", () => {
  const id = fc.string({ maxLength: 128 });
  const number = fc.double().filter((value) => !Number.isInteger(value) || Math.abs(value) < 2 ** 63);
  const value = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.integer(),
    number,
    fc.boolean(),
    fc.constant(null),
  );
  fc.assert(
    fc.property(
      id,
      fc.option(fc.integer({ min: 1 }), { nil: undefined }),
      fc.dictionary(fc.string({ maxLength: 20 }), value, { maxKeys: 20 }),
      (messageId, timeToLive, applicationProperties) => {
        checkMessage({ body: 1, messageId, sessionId: messageId, timeToLive, applicationProperties });
      },
    ),
  );
});
