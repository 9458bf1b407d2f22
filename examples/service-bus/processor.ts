import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBusClient } from "@holdfast/service-bus";
import { FileIdempotencyStore } from "./file-idempotency-store.ts";
import { namespace } from "./namespace.ts";

// A processor that remembers in a file what it has handled: after a restart, an order that comes again is not charged again.
const queue = "holdfast-example-processor";
await using ns = await namespace({ queues: [{ name: queue }] });
const folder = await mkdtemp(join(tmpdir(), "handled-"));
const run = String(Date.now());

for (const [life, orders] of [
  ["first", ["order 1"]],
  ["second", ["order 1", "order 2"]],
] as const) {
  await using client = new ServiceBusClient(ns.connectionString);
  await client
    .createSender(queue)
    .sendMessages(orders.map((order) => ({ body: order, messageId: `${run} ${order}` })));
  using store = FileIdempotencyStore.open(join(folder, "handled"));
  const last = orders.at(-1);
  await new Promise<void>((resolve) => {
    client.createProcessor(
      queue,
      (message) => {
        console.log(`${life} life: charged ${String(message.body)}`);
        if (message.body === last) resolve();
      },
      { idempotency: store, idempotencyKey: ({ messageId }) => String(messageId), attempts: 3 },
    );
  });
  await client.close(); // Stops the processor, which completes what it has in hand.
}
await rm(folder, { recursive: true });
