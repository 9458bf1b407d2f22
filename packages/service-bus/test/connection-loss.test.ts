import { setTimeout as sleep } from "node:timers/promises";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { expect, it } from "vitest";
import { ServiceBusClient } from "@holdfast/service-bus";

const queues = ["orders", "returns", "invoices"];

it("SB-10 connects once for all its senders after a connection has ended, and leaves no socket behind", async () => {
  await using bus = await serviceBus({ queues });
  const client = new ServiceBusClient(bus.connectionString);
  const senders = queues.map((queue) => client.createSender(queue));
  await Promise.all(senders.map((sender) => sender.sendMessages({ body: "first" })));
  for (let ends = 1; ends <= 3; ends += 1) {
    bus.closeConnections();
    // Calls that come at every moment of its end.
    const calls: Promise<void>[] = [];
    for (let call = 0; call < 20; call += 1) {
      for (const sender of senders) calls.push(sender.sendMessages({ body: call }));
      await sleep(1);
    }
    await Promise.all(calls);
    expect(bus.journal.connections()).toHaveLength(1 + ends);
  }
  await client.close();
  await expect
    .poll(() => bus.journal.connections().filter(({ closedAt }) => closedAt === undefined))
    .toEqual([]);
});
