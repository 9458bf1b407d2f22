import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codec } from "../src/service-bus/amqp-types.ts";
import { message } from "../src/service-bus/amqp-engine.ts";
import { DuplicateDetection } from "../src/service-bus/duplicate-detection.ts";
import { dotNetByteOrder, lockTokenText, newLockToken } from "../src/service-bus/lock-token.ts";
import { MessageContent } from "../src/service-bus/message-format.ts";
import { MalformedMessage } from "../src/service-bus/message-sections.ts";
import { AvailableMessages, type StoredMessage } from "../src/service-bus/stored-message.ts";
import { Throttle } from "../src/service-bus/throttle.ts";

describe("a lock token", () => {
  it("swaps the first three groups for .NET, and swapping twice gives it back", () => {
    const token = Buffer.from("00112233445566778899aabbccddeeff", "hex");
    expect(dotNetByteOrder(token).toString("hex")).toBe("33221100554477668899aabbccddeeff");
    expect(dotNetByteOrder(dotNetByteOrder(token))).toEqual(token);
  });

  it("is a version 4 UUID", () => {
    expect(lockTokenText(newLockToken())).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});

describe("a stored message", () => {
  it("keeps the types of what the client sent and adds only what the broker owns", () => {
    const sent = message.encode({
      message_id: "m1",
      application_properties: { long: codec.wrap_long(5), text: "five" },
      message_annotations: { "x-opt-partition-key": "p" },
      body: "body",
    });
    const delivered = MessageContent.decode(
      MessageContent.decode(sent).encode({
        deliveryCount: 2,
        messageId: "unused",
        annotations: [codec.wrap_symbol("x-opt-sequence-number"), codec.wrap_long(300)],
      }),
    );
    expect(delivered.applicationProperties[1]?.type.typecode).toBe(codec.wrap_long(5).type.typecode);
    expect(delivered.applicationPropertyValues).toEqual({ long: 5, text: "five" });
    expect(delivered.annotation("x-opt-sequence-number")).toBe(300);
    expect(delivered.partitionKey).toBe("p");
    expect(delivered.messageId).toBe("m1");
    expect(delivered.body).toBe("body");
  });

  it("gets a message id when it came without", () => {
    const content = MessageContent.decode(message.encode({ body: 1 }));
    const encoded = content.encode({ deliveryCount: 0, annotations: [], messageId: "given" });
    expect(MessageContent.decode(encoded).messageId).toBe("given");
  });

  it("refuses bytes that are no message", () => {
    expect(() => MessageContent.decode(Buffer.from("nonsense"))).toThrow(MalformedMessage);
  });

  it("survives any JSON body", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const json = JSON.stringify(body);
        const sent = Buffer.concat([Buffer.from("005375b0", "hex"), Buffer.alloc(4), Buffer.from(json)]);
        sent.writeUInt32BE(Buffer.byteLength(json), 4);
        const content = MessageContent.decode(sent);
        const again = MessageContent.decode(
          content.encode({ deliveryCount: 0, annotations: [], messageId: "x" }),
        );
        expect(again.body).toEqual(JSON.parse(json));
      }),
    );
  });
});

describe("the available messages", () => {
  it("come out by sequence number, whatever was given back in between", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 5_000 }), { maxLength: 200 }),
        fc.nat({ max: 200 }),
        (numbers, given) => {
          const available = new AvailableMessages();
          for (const sequenceNumber of numbers) available.insert({ sequenceNumber } as StoredMessage);
          const taken = Array.from({ length: Math.min(given, numbers.length) }, () => available.take());
          for (const one of taken.reverse()) if (one !== undefined) available.insert(one);
          const order: number[] = [];
          for (let one = available.take(); one !== undefined; one = available.take())
            order.push(one.sequenceNumber);
          expect(order).toEqual([...numbers].sort((a, b) => a - b));
        },
      ),
    );
  });
});

describe("duplicate detection", () => {
  it("remembers an id for the window, counted from the first message", () => {
    let now = 0;
    const detection = new DuplicateDetection(
      () => 1_000,
      () => now,
    );
    expect(detection.isDuplicate("a")).toBe(false);
    now = 900;
    expect(detection.isDuplicate("a")).toBe(true);
    now = 1_000;
    expect(detection.isDuplicate("a")).toBe(false);
  });
});

describe("the throttle", () => {
  it("lets a window's credits pass, refuses the rest, and starts afresh after a second", () => {
    let now = 0;
    const throttle = new Throttle({ perSecond: 1_000 }, () => now);
    const calls = Array.from({ length: 101 }, () => throttle.admitManagementCall());
    expect(calls.filter(Boolean)).toHaveLength(100);
    expect(throttle.admitMessages(1)).toBe(false);
    now = 1_000;
    expect(throttle.admitMessages(1_000)).toBe(true);
    expect(throttle.admitMessages(1)).toBe(false);
  });

  it("lets a batch that is larger than a window pass at the start of one", () => {
    const throttle = new Throttle({ perSecond: 10 }, () => 0);
    expect(throttle.admitMessages(25)).toBe(true);
    expect(throttle.admitMessages(1)).toBe(false);
  });
});
