import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
  type ServiceBusSender,
} from "@azure/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeBody, encodeBody, type EncodedBody } from "@holdfast/service-bus";

let bus: ServiceBusSimulator;
let client: ServiceBusClient;
let senders: Record<"parsing" | "raw", ServiceBusSender>;
let receivers: Record<"parsing" | "raw", ServiceBusReceiver>;
beforeAll(async () => {
  bus = await serviceBus({ queues: ["parsing", "raw"] });
  client = new ServiceBusClient(bus.connectionString, { retryOptions: { maxRetries: 0 } });
  senders = { parsing: client.createSender("parsing"), raw: client.createSender("raw") };
  receivers = {
    parsing: client.createReceiver("parsing", { receiveMode: "receiveAndDelete" }),
    raw: client.createReceiver("raw", { receiveMode: "receiveAndDelete", skipParsingBodyAsJson: true }),
  };
});
afterAll(async () => {
  await client.close();
  await bus.close();
});

/** What the official client makes of a message on its way through the service. */
async function through(
  message: { body: unknown; contentType?: string },
  skipParsingBodyAsJson = false,
): Promise<ServiceBusReceivedMessage> {
  const queue = skipParsingBodyAsJson ? "raw" : "parsing";
  await senders[queue].sendMessages(message);
  const [received] = await receivers[queue].receiveMessages(1, { maxWaitTimeInMs: 5_000 });
  return received!;
}

describe("what the official client alone does with bodies", () => {
  it.each([
    ["text travels with quotes, as JSON", "hi", "hi", '"hi"'],
    ["bytes that are JSON come back as a value", Buffer.from("123"), 123, "123"],
    ["other bytes come back as a Buffer", Buffer.from([0, 1, 255]), Buffer.from([0, 1, 255]), "\0\u0001ÿ"],
    ["a Uint8Array comes back as a Buffer", new Uint8Array([0, 255]), Buffer.from([0, 255]), "\0ÿ"],
    ["an ArrayBuffer is lost", new Uint8Array([1, 2]).buffer, {}, "{}"],
    ["another typed array becomes an object", new Uint16Array([1, 2]), { 0: 1, 1: 2 }, '{"0":1,"1":2}'],
    ["undefined becomes null", undefined, null, "null"],
    ["a Date becomes text", new Date(0), "1970-01-01T00:00:00.000Z", '"1970-01-01T00:00:00.000Z"'],
    ["NaN becomes null", { a: NaN }, { a: null }, '{"a":null}'],
    ["a Map is lost", { a: new Map([[1, 2]]) }, { a: {} }, '{"a":{}}'],
    ["a lone surrogate survives, escaped", "a\ud800", "a\ud800", '"a\\ud800"'],
    [
      "JSON behind a byte order mark is not parsed",
      Buffer.from('\ufeff{"a":1}'),
      Buffer.from('\ufeff{"a":1}'),
      'ï»¿{"a":1}',
    ],
  ])("%s", async (_name, body, read, onTheWire) => {
    expect((await through({ body })).body).toEqual(read);
    const raw = await through({ body }, true);
    expect((raw.body as Buffer).toString("latin1")).toBe(onTheWire);
  });

  it("bigint and functions are refused", async () => {
    await expect(through({ body: 5n })).rejects.toThrow("JSON.stringify");
    await expect(through({ body: () => 1 })).rejects.toThrow();
  });
});

describe.each([false, true])("with a codec, skipParsingBodyAsJson %s", (skip) => {
  it.each([
    ["text", "ñáéíóú 🎉", "text/plain; charset=utf-8", Buffer.from("ñáéíóú 🎉")],
    ["text that looks like JSON", "123", "text/plain; charset=utf-8", Buffer.from("123")],
    ["text with a byte order mark", "\ufeffx", "text/plain; charset=utf-8", Buffer.from("\ufeffx")],
    ["empty text", "", "text/plain; charset=utf-8", Buffer.alloc(0)],
    ["bytes", Buffer.from([0, 1, 2, 3]), "application/octet-stream", Buffer.from([0, 1, 2, 3])],
    ["bytes that look like JSON", Buffer.from("123"), "application/octet-stream", Buffer.from("123")],
    [
      "a value",
      { a: [1, "ñ", null, true] },
      "application/json; charset=utf-8",
      Buffer.from('{"a":[1,"ñ",null,true]}'),
    ],
    ["null", null, "application/json; charset=utf-8", Buffer.from("null")],
  ])("%s arrives as it was sent, byte for byte", async (_name, value, contentType, bytes) => {
    const received = await through(encodeBody(value), skip);
    expect(received.contentType).toBe(contentType);
    expect((received._rawAmqpMessage.body as { content: Buffer }).content).toEqual(bytes);
    expect(decodeBody(received)).toEqual(value);
  });

  it("SBC-063 every kind of bytes arrives as a Buffer", async () => {
    const bytes = new Uint8Array([9, 1, 2, 255, 9]);
    for (const view of [bytes.subarray(1, 4), new DataView(bytes.buffer, 1, 3), bytes.buffer.slice(1, 4)]) {
      expect(decodeBody(await through(encodeBody(view), skip))).toEqual(Buffer.from([1, 2, 255]));
    }
    expect(decodeBody(await through(encodeBody(new Uint16Array([1, 2])), skip))).toHaveLength(4);
  });

  it("SBC-062 what other clients send is read by its content type", async () => {
    const read = async (body: Buffer, contentType?: string): Promise<unknown> =>
      decodeBody(await through({ body, ...(contentType === undefined ? {} : { contentType }) }, skip));
    // json.dumps(…).encode('utf-8'), as the documentation's Python does.
    const json = Buffer.from('{"message": "Data with unicode: ñáéíóú"}');
    expect(await read(json, "application/json; charset=utf-8")).toEqual({
      message: "Data with unicode: ñáéíóú",
    });
    expect(await read(json, "application/cloudevents+json")).toHaveProperty("message");
    expect(await read(Buffer.from('\ufeff{"a":1}'), "application/json")).toEqual({ a: 1 });
    expect(await read(Buffer.from("ñ", "latin1"), 'text/plain; charset="ISO-8859-1"')).toBe("ñ");
    expect(await read(Buffer.from("<a/>"), "application/xml")).toBe("<a/>");
    expect(await read(Buffer.from("5"), "application/octet-stream")).toEqual(Buffer.from("5"));
    expect(await read(Buffer.from("5"), "image/png")).toEqual(Buffer.from("5"));
    // Without a content type: as the official receiver.
    expect(await read(Buffer.from("5"))).toBe(5);
    expect(await read(Buffer.from("x"))).toEqual(Buffer.from("x"));
  });

  it("says so when the bytes are not what the content type says", async () => {
    for (const [body, contentType] of [
      ["{", "application/json"],
      ["\xff", "text/plain"],
      ["a", "text/plain; charset=klingon"],
    ] as const) {
      const received = await through({ body: Buffer.from(body, "latin1"), contentType }, skip);
      expect(() => decodeBody(received)).toThrow(
        expect.objectContaining({ code: "malformed-content", cause: expect.any(Error) }),
      );
    }
  });
});

it("AMQP values and sequences come back as they are", async () => {
  const value = { body: 5, bodyType: "value" as const };
  expect(decodeBody(await through(value))).toBe(5);
  const sequence = { body: [[1, 2]], bodyType: "sequence" as const };
  expect(decodeBody(await through(sequence, true))).toEqual([[1, 2]]);
});

describe("encodeBody", () => {
  it("takes a content type, and JSON types encode strings too", () => {
    expect(encodeBody("a", { contentType: "application/xml" }).body.toString()).toBe("a");
    expect(encodeBody("a", { contentType: "application/json" }).body.toString()).toBe('"a"');
    expect(encodeBody(1, { contentType: "application/vnd.orders+json" }).body.toString()).toBe("1");
    expect(encodeBody(Buffer.from("{}"), { contentType: "application/json" })).toEqual({
      body: Buffer.from("{}"),
      contentType: "application/json",
    });
  });

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  it.each([
    ["undefined", undefined, "undefined"],
    ["a function", () => 1, "a function"],
    ["a symbol", Symbol("a"), "a symbol"],
    ["a bigint", 5n, "BigInt"],
    ["NaN", { a: [{ b: NaN }] }, "body.a[0].b is NaN"],
    ["undefined in an array", [undefined], "body[0] is undefined"],
    ["a method", { a: () => 1 }, "body.a is a function"],
    ["bytes in JSON", { a: Buffer.from("a") }, "body.a is an object (Buffer)"],
    ["a Map", { a: new Map() }, "body.a is an object (Map)"],
    ["a cycle", cycle, "circular"],
    ["a lone surrogate in text", "a\ud800", "lone surrogate"],
  ])("refuses what would be lost: %s", (_name, value, words) => {
    expect(() => encodeBody(value)).toThrow(
      expect.objectContaining({ code: "invalid-message", message: expect.stringContaining(words) }),
    );
  });

  it("refuses a charset that it does not write, and a value that is not of its type", () => {
    const code = expect.objectContaining({ code: "invalid-message" });
    expect(() => encodeBody("a", { contentType: "text/plain; charset=utf-16" })).toThrow(code);
    expect(() => encodeBody(5, { contentType: "text/plain" })).toThrow(code);
  });

  const received = (encoded: EncodedBody): ServiceBusReceivedMessage => encoded as never;
  it("is undone by decodeBody: values (property)", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const back = decodeBody(received(encodeBody(value, { contentType: "application/json" })));
        expect(back).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("SBC-062, SBC-063 is undone by decodeBody: text and bytes (property)", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (text, bytes) => {
        if (!/\p{Surrogate}/u.test(text)) expect(decodeBody(received(encodeBody(text)))).toBe(text);
        else expect(() => encodeBody(text)).toThrow("lone surrogate");
        expect(decodeBody(received(encodeBody(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
  });
});
