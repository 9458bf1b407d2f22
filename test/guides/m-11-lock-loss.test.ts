import { lockSignal, ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { ownTime } from "../own-time/own-time.ts";
import { runBareReceiver } from "./bare-receiver.ts";

const queue = "orders";
const lockDurationMs = 2_000;

async function serviceWithOne(): Promise<ServiceBusSimulator> {
  const bus = await serviceBus({ queues: [{ name: queue, lockDurationMs }] });
  await using client = new ServiceBusClient(bus.connectionString);
  await client.createSender(queue).sendMessages({ body: 1 });
  return bus;
}

const settleRefusals = (bus: ServiceBusSimulator): number =>
  bus.journal.refusals(queue).filter(({ step }) => step === "settle").length;

// Rows SBC-010, SBC-019, SBC-048, SBC-068.
it("M-11 tells the handler within a second that its lock is refused, and settles nothing afterwards", async () => {
  await using bus = await serviceWithOne();
  await using bareBus = await serviceWithOne();
  using bare = runBareReceiver({
    kind: "handle",
    handleMs: 4_000,
    queue,
    connectionString: bareBus.connectionString,
  });
  await expect.poll(() => bare.reports.length).toBeGreaterThan(0);
  bareBus.queue(queue).expireLocks();

  await using client = new ServiceBusClient(bus.connectionString);
  let effects = 0;
  let abortedMs = Infinity;
  let runs = 0;
  client.createReceiver(queue).subscribe({
    processMessage: async (message) => {
      runs += 1;
      if (runs > 1) {
        effects += 1;
        return;
      }
      const signal = lockSignal(message);
      bus.queue(queue).expireLocks();
      const sinceRevoked = ownTime();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      abortedMs = sinceRevoked();
      // Whoever looks at the signal has no effect twice.
      if (!signal.aborted) effects += 1;
    },
    processError: () => Promise.resolve(),
  });
  await expect.poll(() => effects).toBe(1);
  await expect
    .poll(() => bus.journal.settled(queue).map(({ disposition }) => disposition))
    .toEqual([...["lock-expired", "completed"]]);
  expect(runs).toBe(2);
  expect(bus.journal.refusals(queue).map(({ operation }) => operation)).toEqual(["com.microsoft:renew-lock"]);
  // A renewal comes in the first half of the lock's time; a second more for being told.
  expect(abortedMs).toBeLessThan(lockDurationMs / 2 + 1_000);
  expect(settleRefusals(bus)).toBe(0);
  // bare: the handler is not told, and its completion is refused by the service.
  await expect.poll(() => settleRefusals(bareBus)).toBeGreaterThan(0);
});
