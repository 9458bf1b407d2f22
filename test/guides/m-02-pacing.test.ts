import { creditPacing, ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";

// Rows TH-04 … TH-10. The official client has no pacing. Administration follows with its client.
it("M-02 sends 5000 singles within 1000 credits a second, two clients on one budget, without a refusal", async () => {
  await using bus = await serviceBus({ queues: ["orders"], credits: { perSecond: 1_000 } });
  const pacing = creditPacing.standard;
  await using one = new ServiceBusClient(bus.connectionString, { resilience: { pacing } });
  await using other = new ServiceBusClient(bus.connectionString, { resilience: { pacing } });
  const senders = [one.createSender("orders"), other.createSender("orders")];
  // Connected and compiled: the service's clock and ours are one process's here, and a stall would be on both.
  await Promise.all(Array.from({ length: 500 }, (_, body) => senders[body % 2]!.sendMessages({ body })));
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  bus.journal.clear();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 5_000 }, (_, body) => senders[body % 2]!.sendMessages({ body })));
  const seconds = (performance.now() - startedAt) / 1_000;

  expect(bus.journal.stored("orders")).toHaveLength(5_000);
  expect(bus.journal.refusals("orders").length).toBeLessThanOrEqual(5); // 0.1 %
  expect(seconds).toBeGreaterThanOrEqual(4);
  expect(seconds).toBeLessThanOrEqual(7);
}, 30_000);
