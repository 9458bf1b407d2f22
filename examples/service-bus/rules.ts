import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// A rule decides which messages a subscription takes, and may change its copy.
const topic = "holdfast-example-rules";
const subscription = "large";
await using ns = await namespace({ topics: [{ name: topic, subscriptions: [subscription] }] });
const client = new ServiceBusClient(ns.connectionString);

const rules = client.createRuleManager(topic, subscription);
for await (const { name } of rules.listRules()) await rules.deleteRule(name); // Also "$Default", which takes all.
await rules.createRule(
  "large orders",
  { sqlExpression: "amount >= 100" },
  { sqlExpression: "SET priority = 'high'" },
);

await client
  .createSender(topic)
  .sendMessages([5, 500].map((amount) => ({ body: { amount }, applicationProperties: { amount } })));

const receiver = client.createReceiver(topic, subscription);
for (const message of await receiver.receiveMessages(2, { maxWaitTimeInMs: 10_000 })) {
  console.log(message.body, message.applicationProperties?.["priority"]);
  await receiver.completeMessage(message);
}
await client.close();
