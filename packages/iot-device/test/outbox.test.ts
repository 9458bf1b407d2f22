import { expect, it } from "vitest";
import { HoldfastError } from "@holdfast/core";
import { seededRandom, virtualClock, type VirtualClock } from "@holdfast/core/testing";
import { Message } from "../src/official-exports.ts";
import { Outbox } from "../src/outbox.ts";
import type { OutboxOptions } from "../src/outbox-options.ts";
import { resilienceFrom } from "../src/resilience.ts";
import type { HoldfastEvent } from "../src/index.ts";

/** An outbox on virtual time, over a line that a test opens and closes. */
interface Bench {
  readonly outbox: Outbox;
  readonly clock: VirtualClock;
  readonly sent: string[];
  readonly events: HoldfastEvent[];
  goOnline(): void;
  goOffline(): void;
  /** What the next sends do instead of succeeding. */
  readonly trouble: (Error | "hang")[];
}

function bench(options: OutboxOptions = {}): Bench {
  const clock = virtualClock();
  const sent: string[] = [];
  const events: HoldfastEvent[] = [];
  const trouble: (Error | "hang")[] = [];
  let isOnline = false;
  const waiting: (() => void)[] = [];
  const resilience = resilienceFrom({
    clock,
    random: seededRandom(1),
    onEvent: (event) => events.push(event),
  });
  const way = {
    device: "hub/d1",
    get isConnected() {
      return isOnline;
    },
    whenConnected: () =>
      isOnline ? Promise.resolve() : new Promise<void>((resolve) => waiting.push(() => resolve())),
    send: (message: Message) => {
      const next = trouble.shift();
      if (next === "hang") return new Promise<never>(() => undefined);
      if (next !== undefined) return Promise.reject(next);
      sent.push(message.getBytes().toString());
      return new Promise<never>((resolve) => clock.after(10, () => resolve({} as never)));
    },
  };
  return {
    ...{ outbox: new Outbox(options, way, resilience), clock, sent, events, trouble },
    goOnline() {
      isOnline = true;
      for (const go of waiting.splice(0)) go();
    },
    goOffline() {
      isOnline = false;
    },
  };
}

const message = (body: string): Message => new Message(body);
const messages = (count: number): Message[] =>
  Array.from({ length: count }, (_, index) => message(String(index)));

it("keeps the order, whatever the line does, when one is sent at a time", async () => {
  const { outbox, clock, sent, goOnline, goOffline } = bench();
  for (const one of messages(50)) await outbox.enqueue(one);
  goOnline();
  await clock.advance(105);
  goOffline();
  await clock.advance(5_000);
  goOnline();
  await clock.advance(5_000);
  expect(sent).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
  expect(outbox.statistics).toMatchObject({ pending: 0, bytes: 0, sent: 50, enqueued: 50, dropped: 0 });
});

it("sends as many at once as it may", async () => {
  const { outbox, clock, sent, goOnline } = bench({ concurrency: 5 });
  for (const one of messages(20)) await outbox.enqueue(one);
  goOnline();
  await clock.advance(5);
  expect(sent).toHaveLength(5);
});

it("rejects what there is no room for, and has room again when something was sent", async () => {
  const { outbox, clock, goOnline } = bench({ maxMessages: 2 });
  const [one, two, three] = messages(3);
  await outbox.enqueue(one!);
  await outbox.enqueue(two!);
  await expect(outbox.enqueue(three!)).rejects.toMatchObject({ code: "outbox-full" });
  goOnline();
  await clock.advance(11);
  await expect(outbox.enqueue(three!)).resolves.toMatchObject({ status: "stored" });
});

it("never takes more than its bounds, also when many come at once", async () => {
  const { outbox } = bench({ maxMessages: 10 });
  const outcomes = await Promise.allSettled(messages(30).map((one) => outbox.enqueue(one)));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
  expect(outbox.statistics.pending).toBe(10);
});

it("counts bytes as well as messages", async () => {
  const { outbox } = bench({ maxBytes: 1_000 });
  await outbox.enqueue(message("x".repeat(600)));
  await expect(outbox.enqueue(message("y".repeat(600)))).rejects.toMatchObject({ code: "outbox-full" });
});

it("drops the oldest for the newest where it is told to, and says so", async () => {
  const { outbox, clock, sent, events, goOnline } = bench({ maxMessages: 2, whenFull: "oldest" });
  const oldest = outbox.send(message("0"));
  oldest.catch(() => undefined);
  await outbox.enqueue(message("1"));
  await outbox.enqueue(message("2"));
  // The worker has taken the first already; it is the oldest that nobody sends.
  goOnline();
  await clock.advance(100);
  expect(sent).toEqual(["0", "2"]);
  expect(events).toMatchObject([{ type: "dropped", reason: "full" }]);
});

it("drops the newest where it is told to", async () => {
  const { outbox, events } = bench({ maxMessages: 1, whenFull: "newest" });
  await outbox.enqueue(message("0"));
  await expect(outbox.enqueue(message("1"))).resolves.toMatchObject({ status: "dropped" });
  await expect(outbox.send(message("2"))).rejects.toBeInstanceOf(HoldfastError);
  expect(events.map(({ type }) => type)).toEqual(["dropped", "dropped"]);
});

it("lets the caller wait for room where it is told to", async () => {
  const { outbox, clock, sent, goOnline } = bench({ maxMessages: 1, whenFull: "wait" });
  await outbox.enqueue(message("0"));
  let isStored = false;
  const second = outbox.enqueue(message("1")).then(() => (isStored = true));
  await clock.advance(10_000);
  expect(isStored).toBe(false);
  goOnline();
  await clock.advance(100);
  await second;
  expect(sent).toEqual(["0", "1"]);
});

it("drops what has waited for longer than it may, and sends the rest", async () => {
  const { outbox, clock, sent, events, goOnline } = bench({ ttlMs: 1_000 });
  await outbox.enqueue(message("old"));
  await outbox.enqueue(message("patient"), { ttlMs: 60_000 });
  await clock.advance(2_000);
  await outbox.enqueue(message("new"));
  goOnline();
  await clock.advance(100);
  expect(sent).toEqual(["patient", "new"]);
  expect(events).toMatchObject([{ type: "dropped", reason: "expired" }]);
  expect(outbox.statistics.expired).toBe(1);
});

it("drops what the hub will never take, instead of blocking the others", async () => {
  const { outbox, clock, sent, trouble, goOnline } = bench();
  trouble.push(Object.assign(new Error("no"), { name: "ArgumentError" }));
  const refused = outbox.send(message("bad"));
  refused.catch(() => undefined);
  await outbox.enqueue(message("good"));
  goOnline();
  await clock.advance(100);
  await expect(refused).rejects.toMatchObject({ name: "ArgumentError" });
  expect(sent).toEqual(["good"]);
});

it("keeps what is refused for the hub's own reasons", async () => {
  const { outbox, clock, sent, trouble, goOnline } = bench();
  trouble.push(Object.assign(new Error("403002"), { name: "IotHubQuotaExceededError" }));
  await outbox.enqueue(message("0"));
  goOnline();
  await clock.advance(20_000);
  expect(sent).toEqual([]);
  await clock.advance(20_000);
  expect(sent).toEqual(["0"]);
});

it("is no faster than it may be after an outage", async () => {
  const { outbox, clock, sent, goOnline } = bench({ messagesPerSecond: 10, concurrency: 10 });
  for (const one of messages(40)) await outbox.enqueue(one);
  goOnline();
  await clock.advance(1_000);
  expect(sent.length).toBeLessThanOrEqual(20);
  await clock.advance(6_000);
  expect(sent).toHaveLength(40);
});

it("stamps a message once: the id it is given stays", async () => {
  const { outbox } = bench();
  const own = message("0");
  own.messageId = "mine";
  expect(await outbox.enqueue(own)).toMatchObject({ messageId: "mine" });
  const { messageId } = await outbox.enqueue(message("1"));
  expect(messageId).toMatch(/^[\da-f-]{36}$/);
});

it("fails who waits for an acknowledgement when it is closed", async () => {
  const { outbox } = bench();
  const waiting = outbox.send(message("0"));
  await outbox.open();
  await Promise.resolve();
  await outbox.close();
  await expect(waiting).rejects.toMatchObject({ code: "closed" });
});
