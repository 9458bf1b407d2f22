import { ServiceBusAdministrationClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// Makes a queue, changes it, looks at it and removes it.
const queue = `holdfast-example-${String(Date.now())}`;
await using ns = await namespace({});
const admin = new ServiceBusAdministrationClient(...ns.administration);

const made = await admin.createQueue(queue, { lockDuration: "PT1M", deadLetteringOnMessageExpiration: true });
await admin.updateQueue({ ...made, maxDeliveryCount: 5 });
const { maxDeliveryCount } = await admin.getQueue(queue);
const { activeMessageCount } = await admin.getQueueRuntimeProperties(queue);
console.log(`deliveries: ${String(maxDeliveryCount)}, messages: ${String(activeMessageCount)}`);

await admin.createQueue(queue).catch((error: unknown) => {
  console.log(`again: ${(error as { code: string }).code}`); // With us, failureOf(error) knows more.
});

await admin.deleteQueue(queue);
console.log(`still there: ${String(await admin.queueExists(queue))}`);
