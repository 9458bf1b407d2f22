import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// A message that appears later, and one that is called back before it does.
const queue = "holdfast-example-scheduling";
await using ns = await namespace({ queues: [{ name: queue }] });
const client = new ServiceBusClient(ns.connectionString);

const sender = client.createSender(queue);
const inTwoSeconds = new Date(Date.now() + 2_000);
await sender.scheduleMessages({ body: "reminder" }, inTwoSeconds);
const unwanted = await sender.scheduleMessages({ body: "unwanted" }, inTwoSeconds);
await sender.cancelScheduledMessages(unwanted);

const receiver = client.createReceiver(queue);
for (const message of await receiver.receiveMessages(10, { maxWaitTimeInMs: 20_000 })) {
  const early = Date.now() < inTwoSeconds.getTime() - 1_000; // Clocks differ a little.
  console.log(`${String(message.body)}: ${early ? "EARLY" : "in time"}`);
  await receiver.completeMessage(message);
}
await client.close();
