import { ignore, reject, serverBusy } from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { extendLock, lockSignal, type ServiceBusReceivedMessage } from "@holdfast/service-bus";
import { ownTime } from "../../../test/own-time/own-time.ts";
import { queue, receivingBench, recording, sleep } from "./receiving-bench.ts";

describe.concurrent("a lock", () => {
  it("SBC-018 outlives a failed renewal: handler 17 s, lock 8 s, the first renewal told to wait 2 s", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ lockDurationMs: 8_000 });
    await at.fill(1);
    at.bus.faults.next("management", serverBusy({ waitSeconds: 2 }));
    const handlers = recording(() => sleep(17_000));
    at.client.createReceiver(queue).subscribe(handlers);
    await here.poll(() => at.bus.journal.settled(queue).length).toBe(1);
    here(at.bus.journal.renewals(queue).length).toBeGreaterThanOrEqual(2);
    here(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "completed" }]);
    here(at.bus.journal.delivered(queue).map(({ deliveryCount }) => deliveryCount)).toEqual([0]);
  });

  it("SBC-096 is kept for each of a batch of 10 that is processed one by one, 1 s each, with a lock of 6 s", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ lockDurationMs: 6_000 });
    await at.fill(10);
    at.bus.faults.next("management", reject({ condition: "amqp:internal-error" }), { times: 5 });
    const receiver = at.client.createReceiver(queue);
    const messages = await receiver.receiveMessages(10, { maxWaitTimeInMs: 5_000 });
    here(messages).toHaveLength(10);
    for (const message of messages) {
      await sleep(1_000);
      await receiver.completeMessage(message);
    }
    here(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual(
      Array(10).fill("completed"),
    );
    here(at.bus.journal.delivered(queue)).toHaveLength(10);
  });

  it("is kept apart from that of another message with the same id", async ({ expect: here }) => {
    await using at = await receivingBench({ lockDurationMs: 5_000 });
    await at.fill([
      { body: 0, messageId: "same" },
      { body: 1, messageId: "same" },
    ]);
    const receiver = at.client.createReceiver(queue);
    const [first, second] = await receiver.receiveMessages(2, { maxWaitTimeInMs: 5_000 });
    if (!first || !second) throw new Error("Two messages were expected.");
    await receiver.completeMessage(first);
    await sleep(7_000);
    await receiver.completeMessage(second);
    here(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual([
      "completed",
      "completed",
    ]);
  });

  it("SBC-010 that is revoked aborts the handler's signal, nothing is settled, and the message comes again", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ lockDurationMs: 2_000 });
    await at.fill(1);
    const aborted: number[] = [];
    const handlers = recording(async (message) => {
      if (handlers.bodies.length > 1) return;
      at.bus.queue(queue).expireLocks();
      const signal = lockSignal(message);
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => {
          aborted.push(performance.now());
          resolve();
        });
      });
    });
    at.client.createReceiver(queue).subscribe(handlers);
    await here.poll(() => handlers.bodies.length).toBe(2);
    await here
      .poll(() => at.bus.journal.settled(queue).map(({ disposition }) => disposition))
      .toContain("completed");
    here(aborted).toHaveLength(1);
    here(at.bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual([
      "lock-expired",
      "completed",
    ]);
    // No settlement was refused, because none was asked for.
    here(at.bus.journal.refusals(queue).filter(({ step }) => step === "settle")).toEqual([]);
    here(at.events.map(({ type }) => type)).toContain("lock-lost");
    const told = handlers.errors.filter(({ source }) => source !== "receive"); // Of the link, on a busy machine.
    here(told).toMatchObject([{ source: "complete", error: { code: "MessageLockLost" } }]);
  });

  it("whose renewals are never answered is lost when it has run out, not before", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ lockDurationMs: 2_000 });
    await at.fill(1);
    at.bus.faults.always("management", ignore());
    const startedAt = performance.now();
    let lostAfterMs = 0;
    let heldMs = 0;
    const handlers = recording(async (message) => {
      const signal = lockSignal(message);
      const held = ownTime();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      lostAfterMs = performance.now() - startedAt;
      heldMs = held();
      at.bus.faults.clear();
      await sleep(100);
    });
    const subscription = at.client.createReceiver(queue).subscribe(handlers);
    await here.poll(() => lostAfterMs).toBeGreaterThan(0);
    await subscription.close();
    here(lostAfterMs).toBeGreaterThanOrEqual(1_900);
    here(heldMs).toBeLessThan(3_500);
  });

  it("survives an outage of its connection", async ({ expect: here }) => {
    await using at = await receivingBench({ lockDurationMs: 5_000 });
    await at.fill(1);
    const handlers = recording(() => sleep(9_000));
    at.client.createReceiver(queue).subscribe(handlers);
    await here.poll(() => handlers.bodies.length).toBe(1);
    await at.bus.restart({ downMs: 2_000 });
    await here.poll(() => at.bus.journal.settled(queue).length).toBe(1);
    here(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "completed" }]);
    here(handlers.bodies).toEqual([0]);
  });

  it("SBC-019 is renewed no longer than it should be, with an event at the end", async ({ expect: here }) => {
    await using at = await receivingBench({ lockDurationMs: 2_000 });
    await at.fill(1);
    const handlers = recording(async (message) => {
      if (handlers.bodies.length > 1) return;
      await new Promise<void>((resolve) => lockSignal(message).addEventListener("abort", () => resolve()));
    });
    const receiver = at.client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 4_000 });
    receiver.subscribe(handlers);
    await here.poll(() => handlers.bodies.length).toBe(2);
    const told = at.events.filter(({ type }) => type === "lock-renewal-ended" || type === "lock-lost");
    here(told).toMatchObject([{ type: "lock-renewal-ended" }, { type: "lock-lost", reason: "expired" }]);
    const renewed = at.bus.journal.renewals(queue).length;
    here(renewed).toBeGreaterThanOrEqual(2);
    here(renewed).toBeLessThanOrEqual(6);
  });

  it("SBC-019 is renewed for longer when its handler asks, also after the end of its time", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ lockDurationMs: 5_000 });
    await at.fill(1);
    const isLimited = (): boolean => at.events.some(({ type }) => type === "lock-renewal-ended");
    let handled: ServiceBusReceivedMessage | undefined;
    const handlers = recording(async (message) => {
      handled = message;
      await here.poll(isLimited, { interval: 5 }).toBe(true);
      here(extendLock(message, 60_000)).toBe(true);
      await sleep(6_000);
    });
    at.client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 1 }).subscribe(handlers);
    await here.poll(() => at.bus.journal.settled(queue).length).toBe(1);
    here(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "completed" }]);
    here(at.bus.journal.delivered(queue)).toHaveLength(1);
    here(at.bus.journal.renewals(queue).length).toBeGreaterThanOrEqual(1);
    // Until the confirmation has come to the client.
    await here.poll(() => extendLock(handled!, 1_000)).toBe(false);
    here(() => extendLock(handled!, 0)).toThrow(/extendLock.forMs.*above 0/);
  });

  it.for([-300_000, 300_000])(
    "is kept by a machine whose clock is %i ms off",
    async (skewMs, { expect: here }) => {
      const wall = {
        now: () => performance.now(),
        wallNow: () => Date.now() + skewMs,
        after: (ms: number, fire: () => void) => {
          const timer = setTimeout(fire, ms);
          return () => clearTimeout(timer);
        },
      };
      await using at = await receivingBench({ lockDurationMs: 5_000 }, { resilience: { clock: wall } });
      await at.fill(1);
      const handlers = recording(() => sleep(9_000));
      at.client.createReceiver(queue).subscribe(handlers);
      await here.poll(() => at.bus.journal.settled(queue).length).toBe(1);
      here(at.bus.journal.settled(queue)).toMatchObject([{ disposition: "completed" }]);
      here(at.bus.journal.renewals(queue).length).toBeLessThan(20);
    },
  );

  it("SBC-027 can be renewed by hand when it is not kept", async ({ expect: here }) => {
    await using at = await receivingBench({ lockDurationMs: 3_000 });
    await at.fill(1);
    const receiver = at.client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 });
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5_000 });
    if (!message) throw new Error("A message was expected.");
    for (let round = 0; round < 3; round += 1) {
      await sleep(1_500);
      here((await receiver.renewMessageLock(message)).getTime()).toBeGreaterThan(Date.now());
    }
    here(lockSignal(message).aborted).toBe(false);
    here(at.bus.journal.renewals(queue)).toHaveLength(3);
    await receiver.completeMessage(message);
  });
});
