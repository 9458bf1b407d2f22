import { blackHole, dropConnection, halfOpen, ignore } from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { ownTime, timed } from "../../../test/own-time/own-time.ts";
import { serviceBusPolicies, type ServiceBusReceiver } from "@holdfast/service-bus";
import { queue, receivingBench, sleep, type ReceivingBench } from "./receiving-bench.ts";

/** A receiver whose link for so many is open: opening it counts against the wait, which is short in some tests. */
async function opened(at: ReceivingBench, count: number): Promise<ServiceBusReceiver> {
  const receiver = at.client.createReceiver(queue);
  await at.fill(1);
  const [message] = await receiver.receiveMessages(count, { maxWaitTimeInMs: 15_000 });
  await receiver.completeMessage(message!);
  return receiver;
}

describe.concurrent("receiveMessages", () => {
  it("returns what was asked for as soon as it is there, over one link", async ({ expect: here }) => {
    await using at = await receivingBench();
    await at.fill(25);
    const receiver = at.client.createReceiver(queue);
    const sizes: number[] = [];
    for (let call = 0; call < 3; call += 1) {
      const messages = await receiver.receiveMessages(10, { maxWaitTimeInMs: 5_000 });
      sizes.push(messages.length);
      await Promise.all(messages.map((message) => receiver.completeMessage(message)));
    }
    here(sizes).toEqual([10, 10, 5]);
    here(at.bus.journal.attaches(queue).filter(({ role }) => role === "receive")).toHaveLength(1);
    here(at.bus.journal.settled(queue)).toHaveLength(25);
  });

  it("SBC-064 fills up with messages that trickle in", async ({ expect: here }) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue);
    const receiving = receiver.receiveMessages(50, { maxWaitTimeInMs: 15_000, fill: true });
    const sender = at.client.createSender(queue);
    for (let body = 0; body < 50; body += 1) {
      await sender.sendMessages({ body });
      await sleep(50);
    }
    here(await receiving).toHaveLength(50);
  });

  it("SBC-025 returns nothing from an empty queue when the wait is over", async ({ expect: here }) => {
    await using at = await receivingBench();
    const receiver = await opened(at, 10);
    const { ms, ownMs, value } = await timed(receiver.receiveMessages(10, { maxWaitTimeInMs: 500 }));
    here(value).toEqual([]);
    here(ms).toBeGreaterThanOrEqual(495);
    here(ownMs).toBeLessThan(900);
  });

  it("SBC-073 rejects at once when it is aborted, and leaves nothing locked", async ({ expect: here }) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue);
    const patience = new AbortController();
    const receiving = timed(
      receiver.receiveMessages(10, { maxWaitTimeInMs: 20_000, fill: true, abortSignal: patience.signal }),
    );
    await here.poll(() => at.bus.journal.attaches(queue).length).toBe(1);
    await at.fill(3);
    await here.poll(() => at.bus.queue(queue).lockedMessages).toBe(3);
    const sinceAborted = ownTime();
    patience.abort();
    const { error } = await receiving;
    here(sinceAborted()).toBeLessThan(250);
    here(error?.name).toBe("AbortError");
    await here.poll(() => at.bus.queue(queue).lockedMessages).toBe(0);
    await at.fill(2);
    const again = await receiver.receiveMessages(10, { maxWaitTimeInMs: 10_000 });
    here(again).toHaveLength(5);
  });

  it("rejects at once when it is aborted while what an aborted call had is not taken back", async ({
    expect: here,
  }) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue);
    for (const step of ["drain", "settle", "management"] as const) at.bus.faults.always(step, ignore());
    const first = new AbortController();
    const received = receiver.receiveMessages(3, { fill: true, abortSignal: first.signal });
    await at.fill(2);
    await here.poll(() => at.bus.queue(queue).lockedMessages).toBe(2);
    first.abort();
    await here(received).rejects.toMatchObject({ name: "AbortError" });
    const second = new AbortController();
    const waiting = timed(receiver.receiveMessages(3, { abortSignal: second.signal }));
    second.abort();
    const { ownMs, error } = await waiting;
    here(error?.name).toBe("AbortError");
    here(ownMs).toBeLessThan(400);
    at.bus.faults.clear();
  });

  it.for([0, 5])(
    "ends with the messages it has when its receiver is closed, with prefetchCount %i",
    async (prefetchCount, { expect: here }) => {
      await using at = await receivingBench();
      const receiver = at.client.createReceiver(queue, { prefetchCount });
      const received = receiver.receiveMessages(3, { fill: true });
      await at.fill(2);
      await here.poll(() => at.bus.queue(queue).lockedMessages).toBe(2);
      const { ownMs } = await timed(receiver.close());
      here(ownMs).toBeLessThan(5_000);
      here(await received).toHaveLength(2);
    },
  );

  it("leaves nothing locked that came to a call which was aborted just before its client is closed", async ({
    expect: here,
  }) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue);
    const patience = new AbortController();
    const received = receiver.receiveMessages(3, { fill: true, abortSignal: patience.signal });
    await at.fill(2);
    await here.poll(() => at.bus.queue(queue).lockedMessages).toBe(2);
    const ended = here(received).rejects.toMatchObject({ name: "AbortError" });
    patience.abort();
    await at.client.close();
    await ended;
    await here.poll(() => at.bus.queue(queue).lockedMessages).toBe(0);
  });

  it("gives to a caller who aborts what was received and deleted", async ({ expect: here }) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue, { receiveMode: "receiveAndDelete" });
    const patience = new AbortController();
    const receiving = receiver.receiveMessages(10, {
      maxWaitTimeInMs: 20_000,
      fill: true,
      abortSignal: patience.signal,
    });
    await at.fill(3);
    await here.poll(() => at.bus.journal.delivered(queue).length).toBe(3);
    patience.abort();
    here(await receiving).toHaveLength(3);
  });

  it("SBC-072 ends within a second of its time on a connection that has died", async ({ expect: here }) => {
    await using at = await receivingBench();
    const receiver = await opened(at, 5);
    at.bus.freeze();
    const { ownMs } = await timed(receiver.receiveMessages(5, { maxWaitTimeInMs: 1_000 }));
    here(ownMs).toBeLessThan(2_500);
    // And is on another connection afterwards.
    await at.fill(2);
    await here
      .poll(async () => (await receiver.receiveMessages(5, { maxWaitTimeInMs: 2_000 })).length)
      .toBe(2);
  });

  it.for([
    [
      "in time",
      { "serviceBus.peek": { attemptTimeoutMs: 500 }, "serviceBus.settle": { attemptTimeoutMs: 500 } },
    ],
    ["in the official client's time", { "serviceBus.settle": { attemptTimeoutMs: 100 } }],
  ] as const)(
    "peeks on another connection when one has died and nothing came %s",
    async ([, changes], { expect: here }) => {
      await using at = await receivingBench({}, { resilience: { policies: serviceBusPolicies(changes) } });
      await at.fill(2);
      const receiver = at.client.createReceiver(queue);
      here(await receiver.peekMessages(1)).toHaveLength(1);
      at.bus.freeze();
      here(await receiver.peekMessages(1)).toHaveLength(1);
    },
  );

  it("peeks on another connection as soon as one has ended", async ({ expect: here }) => {
    const patient = { attemptTimeoutMs: 59_000, deadlineMs: 15_000 };
    const policies = serviceBusPolicies({ "serviceBus.peek": patient, "serviceBus.settle": patient });
    await using at = await receivingBench({}, { resilience: { policies } });
    await at.fill(1);
    at.bus.faults.next("management", ignore());
    const peeked = at.client.createReceiver(queue).peekMessages(1);
    await here.poll(() => at.bus.journal.faults()).toHaveLength(1);
    at.bus.dropConnections();
    here(await peeked).toHaveLength(1);
  });

  it("ends in time when the service cannot be reached at all, with an error", async ({ expect: here }) => {
    await using at = await receivingBench();
    await at.bus.stop();
    const { ownMs, error } = await timed(
      at.client.createReceiver(queue).receiveMessages(5, { maxWaitTimeInMs: 1_000 }),
    );
    here(ownMs).toBeLessThan(2_500);
    here(error).toBeInstanceOf(Error);
    here(String(error)).toContain("ECONNREFUSED");
  });

  it.for([
    ["accepts and says nothing", blackHole()],
    ["falls silent", halfOpen(0)],
  ] as const)("ends in time when the service %s", async ([, fault], { expect: here }) => {
    await using at = await receivingBench();
    at.bus.faults.always("connect", fault);
    const { ownMs, error } = await timed(
      at.client.createReceiver(queue).receiveMessages(5, { maxWaitTimeInMs: 1_000 }),
    );
    here(ownMs).toBeLessThan(2_500);
    here(error).toMatchObject({ code: "ServiceTimeout" });
  });

  it("goes on over an outage in its wait", async ({ expect: here }) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue);
    const receiving = receiver.receiveMessages(1, { maxWaitTimeInMs: 20_000 });
    await here.poll(() => at.bus.journal.attaches(queue).length).toBe(1);
    await at.bus.restart({ downMs: 1_500 });
    await at.fill(1);
    here(await receiving).toHaveLength(1);
  });

  it("returns what it has when the link is lost, and settles it", async ({ expect: here }) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue);
    const receiving = receiver.receiveMessages(10, { maxWaitTimeInMs: 20_000, fill: true });
    await at.fill(2);
    await here.poll(() => at.bus.queue(queue).lockedMessages).toBe(2);
    at.bus.dropConnections();
    const messages = await receiving;
    here(messages).toHaveLength(2);
    await Promise.all(messages.map((message) => receiver.completeMessage(message)));
    here(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual([
      "completed",
      "completed",
    ]);
  });

  it("ends in time when the service does not answer its drain", async ({ expect: here }) => {
    await using at = await receivingBench();
    const receiver = await opened(at, 5);
    at.bus.faults.always("drain", ignore());
    const { ownMs, value } = await timed(receiver.receiveMessages(5, { maxWaitTimeInMs: 500 }));
    here(value).toEqual([]);
    here(ownMs).toBeLessThan(1_900);
    await at.fill(5);
    here(await receiver.receiveMessages(5, { maxWaitTimeInMs: 15_000 })).toHaveLength(5);
  });

  it("goes on behind a message that is held: 3000 of 3000 in batches of 100", async ({ expect: here }) => {
    await using at = await receivingBench();
    await at.fill(3_001);
    const receiver = at.client.createReceiver(queue);
    const [held] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
    let received = 0;
    while (received < 3_000) {
      const messages = await receiver.receiveMessages(100, { maxWaitTimeInMs: 15_000 });
      if (messages.length === 0) break;
      received += messages.length;
      // One of the first batch is held too, on the link of the hundreds.
      await Promise.all(
        messages.slice(received === 100 ? 1 : 0).map((message) => receiver.completeMessage(message)),
      );
    }
    here(received).toBe(3_000);
    here(held).toBeDefined();
  });

  it("refuses a second call while one is under way, and counts that make no sense", async ({
    expect: here,
  }) => {
    await using at = await receivingBench();
    const receiver = at.client.createReceiver(queue);
    const first = receiver.receiveMessages(1, { maxWaitTimeInMs: 15_000 });
    await here(receiver.receiveMessages(1)).rejects.toThrow(/already receiving/);
    await at.fill(1);
    here(await first).toHaveLength(1);
    await here(receiver.receiveMessages(0)).rejects.toThrow(/greater than 0/);
    await here(receiver.receiveMessages("1" as unknown as number)).rejects.toThrow(/of type "number"/);
  });

  it("hands out messages one by one through an iterator", async ({ expect: here }) => {
    await using at = await receivingBench();
    await at.fill(3);
    const receiver = at.client.createReceiver(queue);
    const bodies: unknown[] = [];
    for await (const message of receiver.getMessageIterator()) {
      bodies.push(message.body);
      await receiver.completeMessage(message);
      if (bodies.length === 3) break;
    }
    here(bodies).toEqual([0, 1, 2]);
  });

  it("peeks on from where it was, and over a drop", async ({ expect: here }) => {
    await using at = await receivingBench();
    await at.fill(4);
    const receiver = at.client.createReceiver(queue);
    const bodies = async (): Promise<unknown[]> =>
      (await receiver.peekMessages(2)).map((message): unknown => message.body);
    here(await bodies()).toEqual([0, 1]);
    at.bus.faults.next("management", dropConnection({ stored: false }));
    here(await bodies()).toEqual([2, 3]);
    here(await bodies()).toEqual([]);
  });

  it("receives deferred messages, keeps their locks and settles them", async ({ expect: here }) => {
    await using at = await receivingBench({ lockDurationMs: 2_000 });
    await at.fill(1);
    const receiver = at.client.createReceiver(queue);
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
    if (!message?.sequenceNumber) throw new Error("A message was expected.");
    await receiver.deferMessage(message);
    const [deferred] = await receiver.receiveDeferredMessages(message.sequenceNumber);
    if (!deferred) throw new Error("The deferred message was expected.");
    await sleep(3_500);
    await receiver.completeMessage(deferred);
    here(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual([
      "deferred",
      "completed",
    ]);
  });
});
