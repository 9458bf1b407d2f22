import { parentPort, workerData } from "node:worker_threads";
import { ServiceBusClient } from "@holdfast/service-bus";

// One thread of worker-threads.ts.
const { connectionString, queue } = workerData as { connectionString: string; queue: string };
const client = new ServiceBusClient(connectionString);

const fibonacci = (n: number): number => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2));

client.createProcessor(queue, (message) => {
  parentPort?.postMessage(fibonacci(message.body as number));
});

// The thread ends by itself when nothing is left to do: what is in hand is completed first.
parentPort?.once("message", () => void client.close());
