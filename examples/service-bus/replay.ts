import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// Ours, in place of the loop at the end of dead-letters.ts: somebody looks why, mends the cause and replays.
const queue = "holdfast-example-replay";
await using ns = await namespace({ queues: [{ name: queue }] });
await using client = new ServiceBusClient(ns.connectionString);

await client.createSender(queue).sendMessages([{ body: { amount: 5 } }, { body: { amount: "five" } }]);

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

// A crash at any point of a replay loses nothing, and what comes back again and again stays.
const letters = client.deadLetters(queue);
for await (const letter of letters.list()) {
  console.log(`${String(letter.deadLetterReason)}: ${String(letter.deadLetterErrorDescription)}`);
}
const { replayed } = await letters.replay({ reasons: ["bad amount"] });
console.log(`replayed: ${String(replayed)}`);
for (const message of await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 })) {
  console.log("back in the queue:", message.body);
  await receiver.completeMessage(message);
}
