import { failureOf, ServiceBusClient, serviceBusPolicies } from "@holdfast/service-bus";
import {
  delayAcknowledgement,
  loseAcknowledgement,
  serviceBus,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { describe, it } from "vitest";
import { runBareReceiver } from "./bare-receiver.ts";

const queue = "orders";

async function serviceWithOne(): Promise<ServiceBusSimulator> {
  const bus = await serviceBus({ queues: [queue] });
  await using client = new ServiceBusClient(bus.connectionString);
  await client.createSender(queue).sendMessages({ body: 1 });
  return bus;
}

// Rows SBC-009, SBC-053, SBC-067.
describe.concurrent("M-13 a settlement", () => {
  it("is done when the service has confirmed it, 500 ms later", async ({ expect: here }) => {
    await using bus = await serviceWithOne();
    await using client = new ServiceBusClient(bus.connectionString);
    const receiver = client.createReceiver(queue);
    const [message] = await receiver.receiveMessages(1);
    if (!message) throw new Error("A message was expected.");
    bus.faults.next("settle", delayAcknowledgement(500));
    const startedAt = performance.now();
    await receiver.completeMessage(message);
    here(performance.now() - startedAt).toBeGreaterThanOrEqual(495);
  });

  it("whose confirmation is lost has an unknown outcome, and is never called a success", async ({
    expect: here,
  }) => {
    await using bus = await serviceWithOne();
    await using bareBus = await serviceWithOne();
    bareBus.faults.next("settle", loseAcknowledgement());
    using bare = runBareReceiver({
      ...{ kind: "receive", count: 1, maxWaitTimeInMs: 5_000, complete: true },
      ...{ queue, connectionString: bareBus.connectionString },
    });
    await here.poll(() => bareBus.journal.settled(queue).length).toBe(1);

    const policies = serviceBusPolicies({ "serviceBus.settle": { attemptTimeoutMs: 1_000 } });
    await using client = new ServiceBusClient(bus.connectionString, { resilience: { policies } });
    const receiver = client.createReceiver(queue);
    const [message] = await receiver.receiveMessages(1);
    if (!message) throw new Error("A message was expected.");
    bus.faults.next("settle", loseAcknowledgement());
    const error = await receiver.completeMessage(message).catch((reason: unknown) => reason);
    here(failureOf(error)?.outcome).toBe("unknown");
    // bare: pending for a minute.
    here(bare.reports.map(({ event }) => event)).toEqual(["received"]);
  });

  it("happens once for a hundred calls, again without harm, and not in two ways", async ({
    expect: here,
  }) => {
    await using bus = await serviceWithOne();
    await using client = new ServiceBusClient(bus.connectionString);
    const receiver = client.createReceiver(queue);
    const [message] = await receiver.receiveMessages(1);
    if (!message) throw new Error("A message was expected.");
    await Promise.all(Array.from({ length: 100 }, () => receiver.completeMessage(message)));
    await receiver.completeMessage(message);
    here(bus.journal.settled(queue)).toHaveLength(1);
    await here(receiver.deferMessage(message)).rejects.toThrow(/already settled/);
  });
});
