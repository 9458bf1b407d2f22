import fc from "fast-check";
import { JsonHubProtocol, NullLogger, type HubMessage as OfficialMessage } from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import { describe, expect, it } from "vitest";
import { MessageBuffer } from "../../src/signalr/message-buffer.ts";
import { jsonProtocol } from "../../src/signalr/protocol/json-protocol.ts";
import { messagePackProtocol } from "../../src/signalr/protocol/message-pack-protocol.ts";
import type { HubMessage } from "../../src/signalr/protocol/messages.ts";

const id = fc.string({ minLength: 1, maxLength: 8 });
const value = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 5 }),
  fc.record({ name: fc.string(), size: fc.integer() }),
);
const args = fc.array(value, { maxLength: 4 });
const streamIds = fc.array(id, { maxLength: 2 });
const sequenceId = fc.nat();

/** Messages that go in both directions. */
const message: fc.Arbitrary<HubMessage> = fc.oneof(
  fc.record({ type: fc.constant(1 as const), target: id, arguments: args, invocationId: id, streamIds }),
  fc.record({ type: fc.constant(1 as const), target: id, arguments: args, streamIds }),
  fc.record({ type: fc.constant(2 as const), invocationId: id, item: value }),
  fc.record({ type: fc.constant(3 as const), invocationId: id, result: value }),
  fc.record({ type: fc.constant(3 as const), invocationId: id }),
  fc.record({ type: fc.constant(3 as const), invocationId: id, error: id }),
  fc.constant({ type: 6 as const }),
  fc.record({ type: fc.constant(8 as const), sequenceId }),
  fc.record({ type: fc.constant(9 as const), sequenceId }),
);

const withoutHeaders = (given: object): object =>
  Object.fromEntries(
    Object.entries(given).filter(([name, each]) => name !== "headers" && each !== undefined),
  );

const exactly = (bytes: Buffer): ArrayBuffer =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;

describe("the encodings", () => {
  it("read what the official client writes, in pieces of any size", () => {
    const cases = [
      [jsonProtocol, new JsonHubProtocol()],
      [messagePackProtocol, new MessagePackHubProtocol()],
    ] as const;
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(60), { maxLength: 6 }),
        (messages, cuts) => {
          for (const [ours, official] of cases) {
            const all = Buffer.concat(
              messages.map((each) => {
                const written = official.writeMessage(each as unknown as OfficialMessage);
                return typeof written === "string" ? Buffer.from(written) : Buffer.from(written);
              }),
            );
            const reader = ours.reader(Infinity);
            const read: HubMessage[] = [];
            let from = 0;
            for (const cut of [...cuts, all.length]) {
              const to = Math.min(all.length, from + cut);
              read.push(...reader.read(all.subarray(from, to)));
              from = to;
            }
            expect(read.map(withoutHeaders)).toEqual(messages);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("write what the official client reads", () => {
    fc.assert(
      fc.property(message, (each) => {
        const text = new JsonHubProtocol().parseMessages(
          jsonProtocol.write(each) as string,
          NullLogger.instance,
        );
        expect(text).toEqual([each]);
        const bytes = exactly(messagePackProtocol.write(each) as Buffer);
        const [read] = new MessagePackHubProtocol().parseMessages(bytes, NullLogger.instance);
        // The official client reads no stream ids: it has no methods that take streams.
        const expected = "streamIds" in each ? { ...each, streamIds: [] } : each;
        expect(withoutHeaders(read!)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("write close messages with and without the wish to reconnect", () => {
    for (const close of [
      {},
      { error: "no" },
      { allowReconnect: true },
      { error: "no", allowReconnect: false },
    ]) {
      const given = { type: 7 as const, ...close };
      const bytes = exactly(messagePackProtocol.write(given) as Buffer);
      const [read] = new MessagePackHubProtocol().parseMessages(bytes, NullLogger.instance);
      expect(read).toEqual({ type: 7, error: null, allowReconnect: undefined, ...close });
      expect(JSON.parse((jsonProtocol.write(given) as string).slice(0, -1))).toEqual(given);
    }
  });

  it("refuse what is no message", () => {
    expect(() => jsonProtocol.reader(Infinity).read(Buffer.from('"text"\u001e'))).toThrow(
      "Missing required property 'type'",
    );
    expect(() => messagePackProtocol.reader(Infinity).read(Buffer.from([2, 0xa1, 0x78]))).toThrow(
      "Reading array length",
    );
    expect(() => messagePackProtocol.reader(Infinity).read(Buffer.alloc(6, 0xff))).toThrow("over 2GB");
    expect(messagePackProtocol.reader(Infinity).read(Buffer.from([2, 0x91, 99]))).toEqual([]);
  });
});

describe("the buffer of a resumable connection", () => {
  it("hands every message over once, in order, whatever is lost and acknowledged when", () => {
    const step = fc.oneof(
      fc.constant("send" as const),
      fc.constant("ack" as const),
      fc.constant("drop" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(40), (steps, limit) => {
        const sender = new MessageBuffer(limit);
        const receiver = new MessageBuffer(Infinity);
        const got: number[] = [];
        let sent = 0;
        const arrive = (kept: { message: HubMessage }): void => {
          if (receiver.receive() === "new") got.push((kept.message as unknown as { item: number }).item);
        };
        for (const each of [...steps, "drop" as const]) {
          if (each === "send") {
            sent += 1;
            const given = { type: 2 as const, invocationId: "1", item: sent };
            // What is written now is lost with every third message.
            if (sender.keep(given, "0123456789") && sent % 3 !== 0) arrive({ message: given });
            else if (sent % 3 === 0) resume();
          } else if (each === "ack")
            for (const kept of sender.acknowledge(receiver.latestReceived)) arrive(kept);
          else resume();
        }
        for (let turn = 0; turn <= sent; turn += 1) {
          for (const kept of sender.acknowledge(receiver.latestReceived)) arrive(kept);
        }
        expect(got).toEqual(Array.from({ length: sent }, (_each, index) => index + 1));

        function resume(): void {
          const { sequenceId: first, messages } = sender.resume();
          receiver.resume();
          expect(receiver.resetSequence(first)).toBe(true);
          for (const kept of messages) arrive(kept);
        }
      }),
    );
  });

  it("refuses a sequence that leaves messages out, and what comes before one", () => {
    const buffer = new MessageBuffer(10);
    expect(buffer.receive()).toBe("new");
    buffer.resume();
    expect(buffer.receive()).toBe("unexpected");
    expect(buffer.resetSequence(3)).toBe(false);
  });
});
