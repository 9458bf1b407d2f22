import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// A message that comes too early is put aside and fetched by its sequence number when its turn has come.
const queue = "holdfast-example-deferral";
await using ns = await namespace({ queues: [{ name: queue }] });
const client = new ServiceBusClient(ns.connectionString);

await client.createSender(queue).sendMessages([{ body: "step 2" }, { body: "step 1" }]);

const receiver = client.createReceiver(queue);
const aside = [];
for (let received = 0; received < 2;) {
  for (const message of await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 })) {
    received += 1;
    if (message.body === "step 1") {
      console.log("done:", message.body);
      await receiver.completeMessage(message);
    } else if (message.sequenceNumber !== undefined) {
      console.log("put aside:", message.body);
      aside.push(message.sequenceNumber); // A real service keeps these where a restart finds them.
      await receiver.deferMessage(message);
    }
  }
}
for (const message of await receiver.receiveDeferredMessages(aside)) {
  console.log("done:", message.body);
  await receiver.completeMessage(message);
}
await client.close();
