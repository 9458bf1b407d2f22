import process from "node:process";
import { ServiceBusClient } from "@azure/service-bus";
import type { BareReceiverJob, BareReceiverReport } from "./bare-receiver.ts";

// The official client with its default options, in a process of its own, because it can bring its process down.
process.on("disconnect", () => process.exit());
process.on("message", (job: BareReceiverJob) => void work(job));

const report = (what: BareReceiverReport): void => void process.send?.(what);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function work(job: BareReceiverJob): Promise<void> {
  const receiver = new ServiceBusClient(job.connectionString).createReceiver(job.queue);
  if (job.kind === "handle") {
    receiver.subscribe(
      {
        processMessage: async (message) => {
          report({ event: "handling", body: message.body });
          await sleep(job.handleMs);
        },
        processError: ({ error, errorSource }) => {
          report({ event: "error", source: errorSource, message: error.message });
          return Promise.resolve();
        },
      },
      { maxConcurrentCalls: job.maxConcurrentCalls ?? 1 },
    );
    return;
  }
  const startedAt = performance.now();
  const messages = await receiver.receiveMessages(job.count, { maxWaitTimeInMs: job.maxWaitTimeInMs });
  report({ event: "received", count: messages.length, ms: performance.now() - startedAt });
  for (const message of job.complete === true ? messages : []) {
    await receiver.completeMessage(message).then(
      () => report({ event: "settled" }),
      (error: unknown) => report({ event: "error", source: "complete", message: (error as Error).message }),
    );
  }
}
