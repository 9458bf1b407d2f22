import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ServiceBusClient } from "@holdfast/service-bus";
import { namespace } from "./namespace.ts";

// Handlers that compute keep a thread busy, and locks are renewed by that thread. So each worker has a thread, a client and
// a connection of its own, and the main thread stays free.
const queue = "holdfast-example-workers";
const workers = 2;
const messages = 20;
await using ns = await namespace({ queues: [{ name: queue }] });

const threads = Array.from(
  { length: workers },
  () =>
    new Worker(new URL("worker-entry.js", import.meta.url), {
      workerData: { connectionString: ns.connectionString, queue },
    }),
);
let handled = 0;
const all = new Promise<void>((resolve) => {
  for (const thread of threads) {
    thread.on("message", () => {
      handled += 1;
      if (handled === messages) resolve();
    });
  }
});
{
  await using client = new ServiceBusClient(ns.connectionString);
  await client
    .createSender(queue)
    .sendMessages(Array.from({ length: messages }, (_, index) => ({ body: 20 + (index % 5) })));
}
await all;
for (const thread of threads) thread.postMessage("stop");
await Promise.all(threads.map((thread) => once(thread, "exit")));
console.log(`handled: ${String(handled)} messages in ${String(workers)} threads`);
