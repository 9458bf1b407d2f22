import { deafLink } from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { queue, receivingBench, recording, sleep } from "./receiving-bench.ts";

describe.concurrent("the stall watch", () => {
  it("SB-11 replaces a link that is connected but deaf", async ({ expect: here }) => {
    await using at = await receivingBench({}, { resilience: { stallAfterMs: 500 } });
    await at.fill(3);
    at.bus.faults.next("attach", deafLink());
    const handlers = recording();
    at.client.createReceiver(queue).subscribe(handlers);
    await here.poll(() => handlers.bodies.length).toBe(3);
    here(at.events).toContainEqual(here.objectContaining({ type: "stalled", target: queue }));
    here(handlers.errors).toEqual([]);
  });

  it("replaces one under receiveMessages, for the next call", async ({ expect: here }) => {
    await using at = await receivingBench({}, { resilience: { stallAfterMs: 500 } });
    await at.fill(3);
    at.bus.faults.next("attach", deafLink());
    const receiver = at.client.createReceiver(queue);
    let received = 0;
    await here
      .poll(async () => {
        received += (await receiver.receiveMessages(3, { maxWaitTimeInMs: 400 })).length;
        return received;
      })
      .toBe(3);
  });

  it("gives up a connection that has died, within its patience and not the protocol's three minutes", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ lockDurationMs: 1_000 }, { resilience: { stallAfterMs: 500 } });
    const handlers = recording();
    at.client.createReceiver(queue).subscribe(handlers);
    await here.poll(() => at.bus.journal.attaches(queue).length).toBe(1);
    // What the service sends into the dead connection stays locked there for a second.
    at.bus.freeze();
    await at.fill(1);
    await here.poll(() => handlers.bodies.length).toBe(1);
  });

  it("gives up the link of a subscription with the connection that a renewal found dead", async ({
    expect: here,
  }) => {
    await using at = await receivingBench({ lockDurationMs: 2_000 }, { resilience: { stallAfterMs: false } });
    const handled: unknown[] = [];
    at.client.createReceiver(queue).subscribe({
      processMessage: async ({ body }) => {
        handled.push(body);
        if (body !== 1) return;
        at.bus.freeze();
        await sleep(3_000);
      },
      processError: () => Promise.resolve(),
    });
    await at.fill([{ body: 1 }]);
    await here.poll(() => handled.length).toBe(1);
    await at.fill([{ body: 2 }]);
    await here.poll(() => new Set(handled).size).toBe(2);
  });

  it("leaves a quiet queue alone, asking no more than it should", async ({ expect: here }) => {
    await using at = await receivingBench({}, { resilience: { stallAfterMs: 500 } });
    at.client.createReceiver(queue).subscribe(recording());
    await here.poll(() => at.bus.journal.management(queue).length).toBe(4);
    here(at.bus.journal.attaches(queue).filter(({ role }) => role === "receive")).toHaveLength(1);
    const looks = at.bus.journal.management(queue);
    for (const [index, look] of looks.slice(1).entries())
      here(look.at - looks[index]!.at).toBeGreaterThanOrEqual(490);
  });

  it("asks nothing when it is switched off", async ({ expect: here }) => {
    await using at = await receivingBench({}, { resilience: { stallAfterMs: false } });
    at.client.createReceiver(queue).subscribe(recording());
    await sleep(1_000);
    here(at.bus.journal.management(queue)).toEqual([]);
  });
});
