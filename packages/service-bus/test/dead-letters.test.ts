import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { describe, expect, it } from "vitest";
import {
  replayProperties,
  ServiceBusClient,
  type DeadLetters,
  type ReplayReport,
} from "@holdfast/service-bus";

interface Bench extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly client: ServiceBusClient;
  readonly letters: DeadLetters;
}

/** A queue whose dead letters are `bodies`, each with the reason that `reasonOf` gives it. */
async function bench(
  bodies: readonly unknown[],
  reasonOf: (index: number) => string = () => "unwanted",
  duplicateDetection = true,
): Promise<Bench> {
  const bus = await serviceBus({
    queues: [{ name: "orders", duplicateDetectionWindowMs: duplicateDetection ? 600_000 : 0 }],
  });
  const client = new ServiceBusClient(bus.connectionString);
  await client.createSender("orders").sendMessages(
    bodies.map((body, index) => ({
      body,
      messageId: `order-${String(index)}`,
      sessionId: "customer-1",
      subject: "new order",
      applicationProperties: { region: "west" },
    })),
  );
  const receiver = client.createReceiver("orders");
  for (let left = bodies.length; left > 0;) {
    const messages = await receiver.receiveMessages(left);
    left -= messages.length;
    for (const message of messages) {
      const deadLetterReason = reasonOf(Number(String(message.messageId).slice("order-".length)));
      await receiver.deadLetterMessage(message, { deadLetterReason, deadLetterErrorDescription: "no" });
    }
  }
  await receiver.close();
  return {
    bus,
    client,
    letters: client.deadLetters("orders"),
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

const resent = (bus: ServiceBusSimulator, originals: number) => bus.journal.stored("orders").slice(originals);

describe("dead letters", () => {
  it("SBC-054 are listed in order with their reasons, and counted, and stay where they are", async () => {
    await using b = await bench([1, 2, 3], (index) => (index === 1 ? "broken" : "unwanted"));
    const seen: unknown[] = [];
    for await (const { messageId, deadLetterReason } of b.letters.list())
      seen.push([messageId, deadLetterReason]);
    expect(seen).toEqual([
      ["order-0", "unwanted"],
      ["order-1", "broken"],
      ["order-2", "unwanted"],
    ]);
    expect([...(await b.letters.reasons())]).toEqual([
      ["unwanted", 2],
      ["broken", 1],
    ]);
    expect(b.bus.queue("orders").deadLetterMessages).toBe(3);
    expect(b.bus.queue("orders/$DeadLetterQueue").lockedMessages).toBe(0);
  });

  it("are replayed as the same message under an id of their own, and are gone afterwards", async () => {
    const body = Buffer.from('{ "spaces":  "are kept" }');
    await using b = await bench([body]);
    const report = await b.letters.replay();
    expect(report).toMatchObject({ replayed: 1, refused: 0, missed: 0, failed: [] });
    const [copy] = resent(b.bus, 1);
    expect(copy).toMatchObject({
      sessionId: "customer-1",
      subject: "new order",
      applicationProperties: {
        region: "west",
        [replayProperties.originalId]: "order-0",
        [replayProperties.replays]: 1,
      },
    });
    expect(Buffer.from(copy!.bodyBytes!).toString()).toBe(body.toString());
    expect(copy?.messageId).not.toBe("order-0");
    expect(copy?.applicationProperties).not.toHaveProperty("DeadLetterReason");
    expect(b.bus.queue("orders").deadLetterMessages).toBe(0);
  });

  it("that are not selected stay, unlocked and in place", async () => {
    await using b = await bench([0, 1, 2, 3, 4, 5], (index) => (index % 2 === 0 ? "even" : "odd"));
    const report = await b.letters.replay({ reasons: ["odd"], limit: 2 });
    expect(report.replayed).toBe(2);
    expect(resent(b.bus, 6).map(({ body }) => body)).toEqual([1, 3]);
    expect(b.bus.queue("orders").deadLetterMessages).toBe(4);
    expect(b.bus.queue("orders/$DeadLetterQueue").lockedMessages).toBe(0);
  });

  it("are chosen by what is in them", async () => {
    await using b = await bench([0, 1, 2, 3]);
    const filter = ({ messageId }: { readonly messageId?: unknown }): boolean => messageId === "order-2";
    expect((await b.letters.replay({ filter })).replayed).toBe(1);
    expect(resent(b.bus, 4).map(({ body }) => body)).toEqual([2]);
    expect(b.bus.queue("orders").deadLetterMessages).toBe(3);
  });

  it("are gone on with where a replay was interrupted, and what was locked is given back", async () => {
    await using b = await bench([0, 1, 2, 3, 4, 5]);
    const stop = new AbortController();
    let last: ReplayReport["lastSequenceNumber"];
    const replaying = b.letters.replay({
      abortSignal: stop.signal,
      perSecond: 100,
      onProgress: (report) => {
        last = report.lastSequenceNumber;
        if (report.replayed === 2) stop.abort();
      },
    });
    await expect(replaying).rejects.toMatchObject({ name: "AbortError" });
    expect(b.bus.queue("orders").deadLetterMessages).toBe(4);
    expect(b.bus.queue("orders/$DeadLetterQueue").lockedMessages).toBe(0);
    // Behind what was dealt with: the next one is skipped to show that it is not the emptied queue that decides.
    const report = await b.letters.replay({ fromSequenceNumber: last!.add(2) });
    expect(report.replayed).toBe(3);
    expect(resent(b.bus, 6).map(({ body }) => body)).toEqual([0, 1, 3, 4, 5]);
  });

  it("are those that could not be forwarded, when told so", async () => {
    await using bus = await serviceBus({ queues: [{ name: "astray", forwardTo: "nowhere" }, "orders"] });
    await using client = new ServiceBusClient(bus.connectionString);
    await client.createSender("astray").sendMessages([{ body: 1 }, { body: 2 }]);
    const letters = client.deadLetters("astray", { transfer: true });
    expect([...(await letters.reasons()).values()]).toEqual([2]);
    expect(await letters.replay({ limit: 1, replayTo: { entity: "orders" } })).toMatchObject({ replayed: 1 });
    expect(bus.journal.stored("orders").map(({ body }) => body)).toEqual([1]);
    expect(await letters.purge()).toEqual({ purged: 1, missed: 0 });
    expect(bus.queue("astray").transferDeadLetterMessages).toBe(0);
  });

  it("of a subscription go to the topic, and so to every subscription, when told so", async () => {
    await using bus = await serviceBus({ topics: [{ name: "news", subscriptions: ["mine", "theirs"] }] });
    await using client = new ServiceBusClient(bus.connectionString);
    await client.createSender("news").sendMessages({ body: 1, messageId: "order-0" });
    const receiver = client.createReceiver("news", "mine");
    for (const message of await receiver.receiveMessages(1)) await receiver.deadLetterMessage(message);
    const letters = client.deadLetters({ topic: "news", subscription: "mine" });
    expect(await letters.replay({ replayTo: "topic" })).toMatchObject({ replayed: 1 });
    expect(bus.queue("news/Subscriptions/mine")).toMatchObject({ activeMessages: 1, deadLetterMessages: 0 });
    expect(bus.queue("news/Subscriptions/theirs").activeMessages).toBe(2);
  });

  it("are only counted in a dry run", async () => {
    await using b = await bench([0, 1]);
    expect(await b.letters.replay({ dryRun: true })).toMatchObject({ replayed: 2 });
    expect(resent(b.bus, 2)).toEqual([]);
    expect(b.bus.queue("orders").deadLetterMessages).toBe(2);
  });

  it("are not replayed for ever: what comes back again and again stays", async () => {
    await using b = await bench([0]);
    const receiver = b.client.createReceiver("orders");
    for (let round = 1; round <= 2; round += 1) {
      expect((await b.letters.replay({ maxReplays: 2 })).replayed).toBe(1);
      const [message] = await receiver.receiveMessages(1);
      await receiver.deadLetterMessage(message!);
    }
    expect(await b.letters.replay({ maxReplays: 2 })).toMatchObject({ replayed: 0, refused: 1 });
    expect(b.bus.queue("orders").deadLetterMessages).toBe(1);
    const ids = b.bus.journal.stored("orders").map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(3);
    expect(resent(b.bus, 1)[1]?.applicationProperties[replayProperties.originalId]).toBe("order-0");
  });

  it("are replayed no faster than asked", async () => {
    await using b = await bench([0, 1, 2, 3, 4, 5]);
    await b.letters.replay({ perSecond: 20 });
    const times = resent(b.bus, 6).map(({ at }) => at);
    // Five intervals of 50 ms; timers may be late, never early.
    expect(times.at(-1)! - times[0]!).toBeGreaterThanOrEqual(5 * 50 - 25);
  });

  it("are reported and stay when the copy cannot be sent", async () => {
    await using b = await bench([0]);
    b.bus.faults.always("send", {
      kind: "refuse",
      condition: "amqp:resource-limit-exceeded",
      description: "The queue is full.",
    });
    const report = await b.letters.replay();
    expect(report).toMatchObject({ replayed: 0, failed: [{ messageId: "order-0" }] });
    expect(b.bus.queue("orders").deadLetterMessages).toBe(1);
  });

  it("can be removed for good, those that are selected", async () => {
    await using b = await bench([0, 1, 2], (index) => (index === 0 ? "keep" : "drop"));
    expect(await b.letters.purge({ reasons: ["drop"] })).toEqual({ purged: 2, missed: 0 });
    expect(b.bus.queue("orders").deadLetterMessages).toBe(1);
    expect(resent(b.bus, 3)).toEqual([]);
  });

  it("SBC-055 500 of them are replayed without a loss", async () => {
    const bodies = Array.from({ length: 500 }, (_, index) => index);
    await using b = await bench(bodies);
    expect(await b.letters.replay({ perSecond: 5_000 })).toMatchObject({
      replayed: 500,
      failed: [],
      missed: 0,
    });
    expect(resent(b.bus, 500).map(({ body }) => body)).toEqual(bodies);
    expect(b.bus.queue("orders").deadLetterMessages).toBe(0);
  });

  it("of a subscription go nowhere unless told where", async () => {
    await using client = new ServiceBusClient(
      "Endpoint=sb://127.0.0.1:1/;SharedAccessKeyName=n;SharedAccessKey=k;UseDevelopmentEmulator=true",
    );
    await expect(client.deadLetters({ topic: "news", subscription: "mine" }).replay()).rejects.toThrow(
      /replayTo.*every subscription/,
    );
    await expect(client.deadLetters("orders").replay({ replayTo: "topic" })).rejects.toThrow(/replayTo/);
    await expect(client.deadLetters("orders").replay({ perSecond: 0 })).rejects.toThrow(
      /perSecond.*above 0; got 0/,
    );
  });
});
