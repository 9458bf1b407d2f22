import { dropConnection, forceDetach, refuseLink, reject } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { ownTime } from "../../../test/own-time/own-time.ts";
import { queue, receivingBench, recording, sleep } from "./receiving-bench.ts";

it("SBC-066 hands every message to the handler, in order, and completes it", async () => {
  await using at = await receivingBench();
  await at.fill(20);
  const handlers = recording();
  at.client.createReceiver(queue).subscribe(handlers);
  await expect.poll(() => at.bus.journal.settled(queue).length).toBe(20);
  expect(handlers.bodies).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(new Set(at.bus.journal.settled(queue).map(({ disposition }) => disposition))).toEqual(
    new Set(["completed"]),
  );
});

it("runs no more handlers at once than it may", async () => {
  await using at = await receivingBench();
  await at.fill(12);
  let running = 0;
  let most = 0;
  const handlers = recording(async () => {
    most = Math.max(most, (running += 1));
    while (most < 3) await sleep(5);
    await sleep(20);
    running -= 1;
  });
  at.client.createReceiver(queue).subscribe(handlers, { maxConcurrentCalls: 3 });
  await expect.poll(() => at.bus.journal.settled(queue).length).toBe(12);
  expect(most).toBe(3);
});

it("SBC-090 abandons a message whose handler throws, and tells", async () => {
  await using at = await receivingBench({ maxDeliveryCount: 2 });
  await at.fill(1);
  const handlers = recording(() => {
    throw new Error("no");
  });
  at.client.createReceiver(queue).subscribe(handlers);
  await expect.poll(() => at.bus.queue(queue).deadLetterMessages).toBe(1);
  expect(handlers.errors.map(({ source, error }) => [source, error.message])).toEqual([
    ["processMessageCallback", "no"],
    ["processMessageCallback", "no"],
  ]);
});

it("flows again within three seconds of the end of an outage of three, and processes each message once", async () => {
  await using at = await receivingBench();
  const handlers = recording();
  at.client.createReceiver(queue).subscribe(handlers);
  await at.fill(1);
  await expect.poll(() => handlers.bodies.length).toBe(1);
  await at.bus.restart({ downMs: 3_000 });
  const sinceUpAgain = ownTime();
  await at.fill(1);
  await expect.poll(() => handlers.bodies.length).toBe(2);
  expect(sinceUpAgain()).toBeLessThan(3_000);
});

it.each([
  [
    "the link is detached by force",
    (at: Awaited<ReturnType<typeof receivingBench>>) => at.bus.detachLinks(queue),
  ],
  ["the connection is dropped", (at: Awaited<ReturnType<typeof receivingBench>>) => at.bus.dropConnections()],
  [
    "the connection is closed by force",
    (at: Awaited<ReturnType<typeof receivingBench>>) => at.bus.closeConnections(),
  ],
])("goes on by itself when %s, and says nothing to processError", async (_, breakIt) => {
  await using at = await receivingBench();
  const handlers = recording();
  // No completion may be under way: one that is cut is told of.
  at.client.createReceiver(queue).subscribe(handlers, { autoCompleteMessages: false });
  await at.fill(1);
  await expect.poll(() => handlers.bodies.length).toBe(1);
  breakIt(at);
  await expect.poll(() => at.events.map(({ type }) => type)).toContain("reconnected");
  await at.fill(1);
  await expect.poll(() => handlers.bodies.length).toBe(2);
  expect(handlers.errors).toEqual([]);
});

it("SBC-017 attaches to a disabled entity once a second at most after the third time, and goes on when it is enabled", async () => {
  await using at = await receivingBench();
  const handlers = recording();
  at.client.createReceiver(queue).subscribe(handlers);
  await expect.poll(() => at.bus.journal.attaches(queue).length).toBe(1);
  at.bus.queue(queue).disable();
  await expect.poll(() => at.bus.journal.attaches(queue).length).toBe(5);
  const times = at.bus.journal.attaches(queue).map((attach) => attach.at);
  expect((times[4] ?? 0) - (times[3] ?? 0)).toBeGreaterThanOrEqual(1_000);
  expect(handlers.errors[0]).toMatchObject({ source: "receive", error: { code: "MessagingEntityDisabled" } });
  at.bus.queue(queue).enable();
  await at.fill(1);
  await expect.poll(() => handlers.bodies.length).toBe(1);
});

it("slows down for a link that is attached and detached again at once", async () => {
  await using at = await receivingBench();
  at.bus.faults.always("attach", forceDetach({ afterMs: 20, condition: "com.microsoft:entity-disabled" }));
  at.client.createReceiver(queue).subscribe(recording());
  await sleep(4_000);
  // The official client: about ten a second.
  expect(at.bus.journal.attaches(queue).length).toBeLessThanOrEqual(7);
});

it("SBC-066 takes over from the official loop: an attach that is refused is repeated by us alone", async () => {
  await using at = await receivingBench();
  await at.fill(1);
  at.bus.faults.next("attach", refuseLink({ condition: "amqp:internal-error" }), { times: 2 });
  const handlers = recording();
  at.client.createReceiver(queue).subscribe(handlers);
  await expect.poll(() => handlers.bodies.length).toBe(1);
  const receives = at.bus.journal.attaches(queue).filter(({ role }) => role === "receive");
  expect(receives.map(({ outcome }) => outcome)).toEqual(["refused", "refused", "attached"]);
  expect(at.events.filter(({ type }) => type === "retry")).toHaveLength(2);
});

it("gives up an attach that is not answered, and tries again", async () => {
  await using at = await receivingBench();
  at.bus.faults.next("attach", { kind: "lose-acknowledgement", stored: false });
  const handlers = recording();
  at.client.createReceiver(queue).subscribe(handlers);
  await at.fill(1);
  await expect.poll(() => handlers.bodies.length).toBe(1);
});

it("settles what is in hand when the connection drops under the settlement", async () => {
  await using at = await receivingBench();
  await at.fill(1);
  at.bus.faults.next("settle", dropConnection({ stored: false }));
  const handlers = recording();
  at.client.createReceiver(queue).subscribe(handlers);
  await expect.poll(() => at.bus.journal.settled(queue).length).toBe(1);
  expect(at.bus.journal.settled(queue)[0]).toMatchObject({ disposition: "completed", via: "management" });
  expect(handlers.bodies).toEqual([0]);
});

it("repeats a settlement that is throttled", async () => {
  await using at = await receivingBench();
  await at.fill(1);
  at.bus.faults.next("settle", reject({ condition: "com.microsoft:server-busy", description: "busy" }));
  const handlers = recording();
  at.client.createReceiver(queue).subscribe(handlers);
  await expect.poll(() => at.bus.journal.settled(queue).length).toBe(1);
  expect(handlers.bodies).toEqual([0]);
});

it("takes no more messages once the subscription is closed, and can be subscribed to again", async () => {
  await using at = await receivingBench();
  const receiver = at.client.createReceiver(queue);
  const first = recording();
  const subscription = receiver.subscribe(first);
  await at.fill(1);
  await expect.poll(() => first.bodies.length).toBe(1);
  await subscription.close();
  await at.fill(1);
  await sleep(200);
  expect(first.bodies).toHaveLength(1);
  expect(at.bus.queue(queue).lockedMessages).toBe(0);
  const second = recording();
  receiver.subscribe(second);
  await expect.poll(() => second.bodies.length).toBe(1);
  expect(() => receiver.subscribe(recording())).toThrow(/already receiving/);
});

const receivingLinks = (at: Awaited<ReturnType<typeof receivingBench>>) =>
  at.bus.journal.attaches(queue).filter(({ role }) => role === "receive").length;

it("subscribes again on the link that the last subscription left, and closes it with the receiver", async () => {
  await using at = await receivingBench();
  const receiver = at.client.createReceiver(queue);
  for (let round = 1; round <= 3; round += 1) {
    const handlers = recording();
    const subscription = receiver.subscribe(handlers, { maxConcurrentCalls: 4 });
    await at.fill(5);
    await expect.poll(() => handlers.bodies.length).toBe(5);
    await subscription.close();
    await expect.poll(() => at.bus.journal.settled(queue).length).toBe(5 * round);
  }
  expect(receivingLinks(at)).toBe(1);
  // Another number of calls needs another link: the first is not kept beside it.
  const handlers = recording();
  receiver.subscribe(handlers, { maxConcurrentCalls: 2 });
  await at.fill(1);
  await expect.poll(() => handlers.bodies.length).toBe(1);
  expect(receivingLinks(at)).toBe(2);
  await receiver.close();
  const closed = (): number => at.bus.journal.detaches(queue).filter(({ by }) => by === "client").length;
  await expect.poll(closed).toBeGreaterThanOrEqual(2);
  expect(at.bus.queue(queue).lockedMessages).toBe(0);
});

it.each(["the link is detached", "the connection is dropped"])(
  "subscribes again without a word after %s between two subscriptions",
  async (what) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue);
    const first = recording();
    const subscription = receiver.subscribe(first);
    await at.fill(1);
    await expect.poll(() => at.bus.journal.settled(queue).length).toBe(1);
    await subscription.close();
    if (what === "the link is detached") at.bus.detachLinks(queue);
    else at.bus.dropConnections();
    await sleep(300);
    const second = recording();
    receiver.subscribe(second);
    await at.fill(2);
    await expect.poll(() => second.bodies.length, { timeout: 3_000 }).toBe(2);
    await expect.poll(() => at.bus.journal.settled(queue).length).toBe(3);
    expect([...first.errors, ...second.errors]).toEqual([]);
    // A link that is opened while the connection is still going may fail once more, which the events tell.
    const told = what === "the link is detached" ? ["disconnected", "give-up"] : ["give-up"];
    expect(at.events.filter(({ type }) => told.includes(type))).toEqual([]);
  },
);

it("lets handlers finish and complete when the client is closed", async () => {
  await using at = await receivingBench();
  await at.fill(3);
  const handlers = recording(() => sleep(500));
  at.client.createReceiver(queue).subscribe(handlers, { maxConcurrentCalls: 3 });
  await expect.poll(() => handlers.bodies.length).toBe(3);
  await at.client.close();
  expect(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual([
    "completed",
    "completed",
    "completed",
  ]);
  expect(at.bus.queue(queue).lockedMessages).toBe(0);
});

it("processes 6000 messages while one is held from the beginning", async () => {
  await using at = await receivingBench();
  await at.fill(6_000);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const handlers = recording((message) => (message.body === 0 ? held : undefined));
  at.client.createReceiver(queue).subscribe(handlers, { maxConcurrentCalls: 50 });
  // The official client stops at 2047.
  await expect.poll(() => at.bus.journal.settled(queue).length, { timeout: 90_000 }).toBe(5_999);
  release();
  await expect.poll(() => at.bus.journal.settled(queue).length).toBe(6_000);
  expect(handlers.bodies).toHaveLength(6_000);
  expect(at.bus.journal.settled(queue).every(({ disposition }) => disposition === "completed")).toBe(true);
});
