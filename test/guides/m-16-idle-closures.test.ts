import { ServiceBusClient, type HoldfastEvent } from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { runBareReceiver } from "./bare-receiver.ts";

const queue = "orders";
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// Rows SBC-023, SBC-024, SBC-026; ten and five minutes are a second each here.
const idle = { queues: [queue], idleLinkTimeoutMs: 1_000, idleConnectionTimeoutMs: 1_000 };

it("M-16 delivers and sends over three idle closures, and says nothing of them to processError", async () => {
  await using bus = await serviceBus(idle);
  await using bareBus = await serviceBus(idle);
  using bare = runBareReceiver({
    kind: "handle",
    handleMs: 0,
    queue,
    connectionString: bareBus.connectionString,
  });
  const events: HoldfastEvent[] = [];
  await using client = new ServiceBusClient(bus.connectionString, {
    resilience: { onEvent: (event) => events.push(event) },
  });
  const bodies: unknown[] = [];
  const errors: unknown[] = [];
  client.createReceiver(queue).subscribe({
    processMessage: (message) => {
      bodies.push(message.body);
      return Promise.resolve();
    },
    processError: ({ error }) => {
      errors.push(error);
      return Promise.resolve();
    },
  });
  const sender = client.createSender(queue);
  for (let period = 0; period < 4; period += 1) {
    await sender.sendMessages({ body: period });
    await expect.poll(() => bodies.length).toBe(period + 1);
    await sleep(1_700);
  }
  expect(bus.journal.detaches(queue).filter(({ by }) => by === "service").length).toBeGreaterThanOrEqual(3);
  expect(errors).toEqual([]);
  expect(events.filter(({ type }) => type === "give-up")).toEqual([]);
  // bare: told each time.
  expect(bare.reports).toContainEqual(expect.objectContaining({ event: "error", source: "receive" }));
});
