import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { virtualClock } from "@holdfast/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChunkAssembler, type Assembled, type IncompleteContent } from "@holdfast/service-bus";
import { splitIntoChunks } from "../src/chunks.ts";

let sequence = 0;

/** A chunk as it is received: with a sequence number of its own unless it is a redelivery. */
function delivered(chunk: object, sequenceNumber = (sequence += 1)): ServiceBusReceivedMessage {
  const number = {
    toString: () => String(sequenceNumber),
    equals: (other: unknown) => String(other) === String(sequenceNumber),
  };
  return { ...chunk, sequenceNumber: number } as never;
}

const split = (content: Uint8Array, chunkBytes: number, messageId = "a"): Promise<object[]> =>
  splitIntoChunks({ body: content, messageId }, content, chunkBytes);

const content = Buffer.from("the whole content of a message");

async function addAll(
  assembler: ChunkAssembler,
  messages: readonly ServiceBusReceivedMessage[],
): Promise<Assembled[]> {
  const results: Assembled[] = [];
  for (const message of messages) results.push(await assembler.add(message));
  return results;
}

describe("a chunk assembler", () => {
  it("gives back the content, whatever the order and however often chunks come (property)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.infiniteStream(fc.nat()),
        async (bytes, chunkBytes, random) => {
          const chunks = await split(bytes, chunkBytes);
          const pick = (below: number): number => (random.next().value as number) % below;
          // Every chunk once, some twice, shuffled; the last to complete it comes last.
          const again = chunks.filter(() => pick(3) === 0);
          const shuffled = [...chunks, ...again];
          for (let index = shuffled.length - 1; index > 0; index -= 1) {
            const other = pick(index + 1);
            [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
          }
          using assembler = new ChunkAssembler({ skipParsingBodyAsJson: true, clock: virtualClock() });
          let done: Extract<Assembled, { status: "complete" }> | undefined;
          for (const message of shuffled) {
            const result = await assembler.add(delivered(message));
            if (done !== undefined) expect(result.status).toBe("duplicate");
            else if (result.status === "complete") {
              done = result;
              done.settled();
            } else expect(result.status).toBe("waiting");
          }
          expect(done?.message.body).toEqual(Buffer.from(bytes));
          expect(done?.message.messageId).toBe("a");
          expect(assembler.bytes).toBe(0);
        },
      ),
    );
  });

  it("keeps messages apart that come in between each other", async () => {
    const clock = virtualClock();
    using assembler = new ChunkAssembler({ skipParsingBodyAsJson: true, clock });
    const [a, b] = [await split(content, 10, "a"), await split(content, 10, "b")];
    const mixed = a.flatMap((chunk, index) => [delivered(chunk), delivered(b[index]!)]);
    const done = (await addAll(assembler, mixed)).filter(({ status }) => status === "complete");
    expect(done).toMatchObject([
      { message: { messageId: "a", body: content } },
      { message: { messageId: "b", body: content } },
    ]);
    expect(clock.pending).toBe(0);
  });

  it("settles by the newest lock what was delivered again, and both of what was sent twice", async () => {
    using assembler = new ChunkAssembler({ clock: virtualClock() });
    const [first, second] = await split(content, 20);
    const early = delivered({ ...first, lockToken: "old" }, 1);
    const redelivered = delivered({ ...first, lockToken: "new" }, 1);
    const copy = delivered({ ...first, lockToken: "copy" }, 2);
    const results = await addAll(assembler, [
      early,
      redelivered,
      copy,
      delivered({ ...second, lockToken: "2" }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["waiting", "waiting", "waiting", "complete"]);
    const { parts } = results[3] as Extract<Assembled, { status: "complete" }>;
    expect(parts.map(({ lockToken }) => lockToken)).toEqual(["new", "2", "copy"]);
  });

  it("begins anew when the parts of a message come again that was not settled", async () => {
    using assembler = new ChunkAssembler({ clock: virtualClock() });
    const messages = (await split(content, 20)).map((chunk) => delivered(chunk));
    await addAll(assembler, messages);
    expect(await addAll(assembler, messages)).toMatchObject([{ status: "waiting" }, { status: "complete" }]);
  });

  it("gives up a message whose next chunk does not come in time", async () => {
    const clock = virtualClock();
    const given: IncompleteContent[] = [];
    using assembler = new ChunkAssembler({ timeoutMs: 1_000, clock, onIncomplete: (one) => given.push(one) });
    const [first, second, third] = (await split(content, 10)).map((chunk) => delivered(chunk));
    await assembler.add(first!);
    await clock.advance(900);
    await assembler.add(third!);
    await clock.advance(900);
    expect(given).toEqual([]);
    await clock.advance(100);
    expect(given).toMatchObject([{ reason: "timeout", received: 2, count: 3, parts: [first, third] }]);
    expect(assembler.bytes).toBe(0);
    expect((await assembler.add(second!)).status).toBe("waiting");
  });

  it("gives up the longest waiting when there is no more room, and refuses what can never have any", async () => {
    const given: IncompleteContent[] = [];
    using assembler = new ChunkAssembler({
      maxBytes: 40,
      clock: virtualClock(),
      onIncomplete: (one) => given.push(one),
    });
    const [a, b] = [await split(content, 25, "a"), await split(content, 25, "b")];
    await assembler.add(delivered(a[0]!));
    await assembler.add(delivered(b[0]!));
    expect(given).toMatchObject([{ reason: "memory", parts: [{ messageId: expect.stringMatching(/-0$/) }] }]);
    expect(assembler.bytes).toBe(25);
    expect((await assembler.add(delivered(b[1]!))).status).toBe("complete");
    // Copies without end of one chunk.
    for (let copy = 0; copy < 3; copy += 1) await assembler.add(delivered(a[0]!));
    expect(assembler.bytes).toBeLessThanOrEqual(40);
    const large = await split(Buffer.alloc(41), 20, "c");
    expect(await assembler.add(delivered(large[0]!))).toMatchObject({
      status: "corrupt",
      error: { code: "malformed-content", message: expect.stringContaining("41 bytes") },
    });
  });

  it("never returns a body that is not what was sent", async () => {
    using assembler = new ChunkAssembler({ clock: virtualClock() });
    const [first, second] = await split(content, 20);
    const wrong = { ...second, body: Buffer.from("0123456789") };
    expect(await addAll(assembler, [delivered(first!), delivered(wrong)])).toMatchObject([
      { status: "waiting" },
      { status: "corrupt", error: { code: "content-mismatch" }, parts: [{}, {}] },
    ]);
    const short = { ...second, body: Buffer.from("0") };
    expect(await addAll(assembler, [delivered(first!), delivered(short)])).toMatchObject([
      { status: "waiting" },
      {
        status: "corrupt",
        error: { code: "content-mismatch", message: "The content has 21 bytes; 30 were sent." },
      },
    ]);
  });

  it.each([
    ["holdfast-chunk-of", 5],
    ["holdfast-chunk-index", 2],
    ["holdfast-chunk-index", -1],
    ["holdfast-chunk-count", 1.5],
    ["holdfast-content-sha256", "abc"],
    ["holdfast-content-length", "30"],
    ["holdfast-content-type", 5],
    ["holdfast-message-id", null],
  ])("calls a chunk corrupt that nobody of ours wrote: %s = %j", async (property, value) => {
    using assembler = new ChunkAssembler({ clock: virtualClock() });
    const [first] = (await split(content, 20)) as { applicationProperties: object }[];
    const chunk = { ...first, applicationProperties: { ...first!.applicationProperties, [property]: value } };
    expect(await assembler.add(delivered(chunk))).toMatchObject({
      status: "corrupt",
      error: { code: "malformed-content", message: expect.stringContaining(property) },
    });
  });

  it("leaves other messages alone, and gives up what waits when it is closed", async () => {
    const clock = virtualClock();
    const given: IncompleteContent[] = [];
    const assembler = new ChunkAssembler({ clock, onIncomplete: (one) => given.push(one) });
    expect(await assembler.add(delivered({ body: 1 }))).toEqual({ status: "not-a-chunk" });
    await assembler.add(delivered((await split(content, 20))[0]!));
    assembler.close();
    expect(given).toMatchObject([{ reason: "closed" }]);
    expect(clock.pending).toBe(0);
    await expect(assembler.add(delivered({ body: 1 }))).rejects.toMatchObject({ code: "closed" });
  });

  it.each([{ timeoutMs: 0 }, { timeoutMs: NaN }, { maxBytes: 0 }, { maxBytes: 1.5 }])(
    "refuses %j",
    (options) => {
      expect(() => new ChunkAssembler(options)).toThrow(expect.objectContaining({ code: "misconfigured" }));
    },
  );
});
