import { workerData } from "node:worker_threads";
import { ServiceBusClient } from "@holdfast/service-bus";

// A thread of its own, with a client of its own, as the guide has it (SBC-082).
const { connectionString, queue, messages } = workerData as {
  connectionString: string;
  queue: string;
  messages: number;
};
await using client = new ServiceBusClient(connectionString);
const sender = client.createSender(queue);
await Promise.all(Array.from({ length: messages }, (_, body) => sender.sendMessages({ body })));
