import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// What cannot be handled is dead-lettered with a reason; later somebody looks why, mends it and sends it again.
const queue = "holdfast-example-dead-letters";
await using ns = await namespace({ queues: [{ name: queue }] });
const client = new ServiceBusClient(ns.connectionString);

const sender = client.createSender(queue);
await sender.sendMessages([{ body: { amount: 5 } }, { body: { amount: "five" } }]);

const receiver = client.createReceiver(queue);
for (let received = 0; received < 2;) {
  for (const message of await receiver.receiveMessages(2, { maxWaitTimeInMs: 10_000 })) {
    received += 1;
    const { amount } = message.body as { amount: unknown };
    if (typeof amount === "number") await receiver.completeMessage(message);
    else {
      await receiver.deadLetterMessage(message, {
        deadLetterReason: "bad amount",
        deadLetterErrorDescription: `an amount is a number, not ${typeof amount}`,
      });
    }
  }
}

const deadLetters = client.createReceiver(queue, { subQueueType: "deadLetter" });
for (const letter of await deadLetters.receiveMessages(1, { maxWaitTimeInMs: 10_000 })) {
  console.log(`${String(letter.deadLetterReason)}: ${String(letter.deadLetterErrorDescription)}`);
  await sender.sendMessages({ body: { amount: 5 } });
  await deadLetters.completeMessage(letter);
}
for (const message of await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 })) {
  console.log("back in the queue:", message.body);
  await receiver.completeMessage(message);
}
await client.close();
