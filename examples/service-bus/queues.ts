import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// Sends to a queue, singly and as a list, and receives in both of the official ways.
const queue = "holdfast-example-queue";
await using ns = await namespace({ queues: [{ name: queue }] });
const client = new ServiceBusClient(ns.connectionString);

const sender = client.createSender(queue);
await sender.sendMessages({ body: { order: 1 } });
await sender.sendMessages([{ body: { order: 2 } }, { body: { order: 3 } }]);

const receiver = client.createReceiver(queue);
for (const message of await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 })) {
  console.log("received", message.body);
  await receiver.completeMessage(message);
}

await new Promise<void>((resolve) => {
  let left = 2;
  receiver.subscribe({
    processMessage: (message) => {
      console.log("handled", message.body);
      left -= 1;
      if (left === 0) resolve();
      return Promise.resolve();
    },
    processError: ({ error }) => {
      console.error(error.message);
      return Promise.resolve();
    },
  });
});
await receiver.close(); // What was handled is completed first.
await client.close();
