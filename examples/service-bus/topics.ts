import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// Each subscription of a topic gets its own copy of every message.
const topic = "holdfast-example-topic";
const subscriptions = ["billing", "shipping"];
await using ns = await namespace({ topics: [{ name: topic, subscriptions }] });
const client = new ServiceBusClient(ns.connectionString);

await client.createSender(topic).sendMessages({ body: { order: 1 }, subject: "ordered" });

for (const subscription of subscriptions) {
  const receiver = client.createReceiver(topic, subscription);
  for (const message of await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 })) {
    console.log(`${subscription}: ${String(message.subject)}`, message.body);
    await receiver.completeMessage(message);
  }
}
await client.close();
