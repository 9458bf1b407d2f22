import { ServiceBusClient } from "@holdfast/service-bus";
import { serverBusy, serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { runBareReceiver } from "./bare-receiver.ts";

const queue = "orders";
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function refusingService(count: number): Promise<ServiceBusSimulator> {
  const bus = await serviceBus({ queues: [{ name: queue, lockDurationMs: 5_000 }] });
  await using client = new ServiceBusClient(bus.connectionString);
  await client.createSender(queue).sendMessages(Array.from({ length: count }, (_, body) => ({ body })));
  bus.faults.next("management", serverBusy({ waitSeconds: 2 }));
  return bus;
}

/** The first renewal as early as chance may have it: the refusal takes two of the three seconds that are left then. */
const early = { resilience: { random: () => 0.99 } };

// Rows SBC-018, SBC-047.
describe.concurrent("M-10 a lock of 5 s outlives a first renewal that is answered server-busy", () => {
  it("under a handler of 17 s", async ({ expect: here }) => {
    await using bus = await refusingService(1);
    await using bareBus = await refusingService(1);
    using bare = runBareReceiver({
      kind: "handle",
      handleMs: 17_000,
      queue,
      connectionString: bareBus.connectionString,
    });
    await using client = new ServiceBusClient(bus.connectionString, early);
    let runs = 0;
    client.createReceiver(queue).subscribe({
      processMessage: async () => {
        runs += 1;
        await sleep(17_000);
      },
      processError: () => Promise.resolve(),
    });

    await here.poll(() => bus.journal.settled(queue).length).toBe(1);
    const bareEnds = (): string[] => bareBus.journal.settled(queue).map(({ disposition }) => disposition);
    await here.poll(bareEnds).toContain("lock-expired");

    here(runs).toBe(1);
    here(bus.journal.renewals(queue).length).toBeGreaterThanOrEqual(3);
    here(bus.journal.settled(queue)).toMatchObject([{ disposition: "completed" }]);
    here(bus.journal.delivered(queue)).toMatchObject([{ deliveryCount: 0 }]);
    // bare: no renewal after the first, so the message went to the queue again while its handler ran. It is handled once
    // more then, and may be renewed.
    const [ended] = bareBus.journal.settled(queue);
    here(ended).toMatchObject({ disposition: "lock-expired" });
    here(bareBus.journal.renewals(queue).filter(({ at }) => at < ended!.at)).toEqual([]);
    here(bare.reports).toContainEqual(here.objectContaining({ event: "error", source: "renewLock" }));
  });

  it("in a batch of 10 that is processed one by one, 2 s each", async ({ expect: here }) => {
    await using bus = await refusingService(10);
    await using client = new ServiceBusClient(bus.connectionString, early);
    const receiver = client.createReceiver(queue);
    for (const message of await receiver.receiveMessages(10, { maxWaitTimeInMs: 5_000, fill: true })) {
      await sleep(2_000);
      await receiver.completeMessage(message);
    }
    here(bus.journal.settled(queue).map(({ disposition }) => disposition)).toEqual(
      Array(10).fill("completed"),
    );
    here(bus.journal.delivered(queue).map(({ deliveryCount }) => deliveryCount)).toEqual(Array(10).fill(0));
  });
});
