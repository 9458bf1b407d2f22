import { ServiceBusClient as OfficialClient } from "@azure/service-bus";
import { systemClock } from "@holdfast/core";
import { creditPacing, ServiceBusAdministrationClient, ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { timed } from "../own-time/own-time.ts";

// Rows TH-04 … TH-10.
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
  const sending = Array.from({ length: 5_000 }, (_, body) => senders[body % 2]!.sendMessages({ body }));
  const { ms, ownMs } = await timed(Promise.all(sending));

  expect(bus.journal.stored("orders")).toHaveLength(5_000);
  expect(bus.journal.refusals("orders").length).toBeLessThanOrEqual(5); // 0.1 %
  expect(ms).toBeGreaterThanOrEqual(4_000);
  expect(ownMs).toBeLessThanOrEqual(7_000);
});

it("M-02 bare: the official client has no pacing, and is refused", async () => {
  await using bus = await serviceBus({ queues: ["orders"], credits: { perSecond: 200 } });
  const client = new OfficialClient(bus.connectionString);
  const sender = client.createSender("orders");
  await sender.sendMessages({ body: "warm" });
  const sends = Array.from({ length: 900 }, (_, body) => sender.sendMessages({ body }));
  const ended = Promise.allSettled(sends); // The refused sit out 30 s, unless the client is closed.
  await expect.poll(() => bus.journal.refusals("orders").length, { timeout: 20_000 }).toBeGreaterThan(5); // ours: at most 0.1 %
  await client.close();
  void ended;
});

/** Asks so often, ten requests at a time. */
async function ask(
  bus: ServiceBusSimulator,
  times: number,
  pacing?: { creditsPerSecond: number },
): Promise<void> {
  const admin = new ServiceBusAdministrationClient(bus.tls!.connectionString, {
    tlsOptions: { ca: bus.tls!.ca },
    resilience: pacing ? { pacing } : {},
  });
  const lane = async (): Promise<void> => {
    for (let call = 0; call < times / 10; call += 1) await admin.getNamespaceProperties();
  };
  await Promise.all(Array.from({ length: 10 }, lane));
}

it("M-02 has 100 administration calls spend a second's 1000 credits: without pacing the 101st is refused with 50009, and repeated", async () => {
  // The service's second lasts until it has refused somebody: a busy machine does not make a hundred calls in one.
  let now = (): number => 0;
  const clock = { ...systemClock, now: () => now() };
  await using bus = await serviceBus({ tls: true, credits: { perSecond: 1_000 }, clock });
  const statuses = (): (number | undefined)[] => bus.journal.admin().map(({ status }) => status);
  const asking = ask(bus, 200);
  await expect.poll(statuses).toContain(503);
  const from = performance.now() - 1_000;
  now = () => performance.now() - from;
  await asking;
  expect(statuses().indexOf(503)).toBe(100);
  expect(statuses().filter((status) => status === 200)).toHaveLength(200);
});

it("M-02 has the 101st administration call wait for the next second's credits, with pacing", async () => {
  await using bus = await serviceBus({ tls: true, credits: { perSecond: 1_000 } });
  await ask(bus, 150, creditPacing.standard);
  const answers = bus.journal.admin();
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 150 }, () => 200));
  expect(answers[100]!.at - answers[0]!.at).toBeGreaterThanOrEqual(1_000);
});
