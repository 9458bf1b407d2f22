import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { ServiceBusClient, type HoldfastEvent } from "@holdfast/service-bus";

interface Bench extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly client: ServiceBusClient;
  readonly events: HoldfastEvent[];
  /** Sends bodies 0 … count − 1. */
  fill(count: number): Promise<void>;
}

async function bench(queue: object = {}): Promise<Bench> {
  const bus = await serviceBus({ queues: [{ name: "orders", ...queue }] });
  const events: HoldfastEvent[] = [];
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { onEvent: (event) => events.push(event) },
  });
  return {
    bus,
    client,
    events,
    async fill(count) {
      const sender = client.createSender("orders");
      await sender.sendMessages(Array.from({ length: count }, (_, index) => ({ body: index })));
      await sender.close();
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

it("hands every message to the handler and completes it", async () => {
  await using at = await bench();
  await at.fill(20);
  const bodies: unknown[] = [];
  at.client.createReceiver("orders").subscribe({
    processMessage: (message) => {
      bodies.push(message.body);
      return Promise.resolve();
    },
    processError: () => Promise.resolve(),
  });
  await expect.poll(() => at.bus.journal.settled("orders").length).toBe(20);
  expect(bodies).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(at.bus.journal.settled("orders").every(({ disposition }) => disposition === "completed")).toBe(true);
});

it("flows again within three seconds of the end of an outage of three", async () => {
  await using at = await bench();
  const bodies: unknown[] = [];
  const errors: unknown[] = [];
  at.client.createReceiver("orders").subscribe({
    processMessage: (message) => {
      bodies.push(message.body);
      return Promise.resolve();
    },
    processError: ({ error }) => {
      errors.push(error);
      return Promise.resolve();
    },
  });
  await at.fill(1);
  await expect.poll(() => bodies.length).toBe(1);
  await at.bus.restart({ downMs: 3_000 });
  const upAgain = performance.now();
  await at.fill(1);
  await expect.poll(() => bodies.length, { timeout: 10_000 }).toBe(2);
  expect(performance.now() - upAgain).toBeLessThan(3_000);
});

it("receives a batch, completes it, and takes what is there when the wait is over", async () => {
  await using at = await bench();
  await at.fill(15);
  const receiver = at.client.createReceiver("orders");
  const first = await receiver.receiveMessages(10, { maxWaitTimeInMs: 2_000 });
  const second = await receiver.receiveMessages(10, { maxWaitTimeInMs: 2_000 });
  const third = await receiver.receiveMessages(10, { maxWaitTimeInMs: 300 });
  expect([first.length, second.length, third.length]).toEqual([10, 5, 0]);
  await Promise.all([...first, ...second].map((message) => receiver.completeMessage(message)));
  expect(at.bus.journal.settled("orders")).toHaveLength(15);
  expect(at.bus.journal.attaches("orders").filter(({ role }) => role === "receive")).toHaveLength(1);
});

it("keeps a lock while a handler runs three times as long as it lasts", async () => {
  await using at = await bench({ lockDurationMs: 1_000 });
  await at.fill(1);
  let runs = 0;
  at.client.createReceiver("orders").subscribe({
    processMessage: async () => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 3_000));
    },
    processError: () => Promise.resolve(),
  });
  await expect.poll(() => at.bus.journal.settled("orders").length, { timeout: 10_000 }).toBe(1);
  expect(at.bus.journal.settled("orders")[0]?.disposition).toBe("completed");
  expect(runs).toBe(1);
});
