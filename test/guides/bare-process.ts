import process from "node:process";
import { ServiceBusClient } from "@azure/service-bus";
import type { BareJob, BareReport } from "./bare.ts";
import { failLookupsFor } from "./lookup.ts";

// The official client with its default options, in a process of its own, because it can bring its process down.
process.on("disconnect", () => process.exit());
process.on("message", (job: BareJob) => void work(job));
process.send?.("loaded");

async function work({ connectionString, queue, messages, resolvesAfterMs }: BareJob): Promise<void> {
  if (resolvesAfterMs !== undefined) failLookupsFor(resolvesAfterMs);
  const client = new ServiceBusClient(connectionString);
  const sender = client.createSender(queue);
  const startedAt = performance.now();
  await Promise.all(
    messages.map(async (message) => {
      const settle = (error?: unknown): void => {
        const report: BareReport = {
          settledMs: performance.now() - startedAt,
          ...(error === undefined ? {} : described(error)),
        };
        process.send?.(report);
      };
      await sender.sendMessages(message).then(() => settle(), settle);
    }),
  );
}

function described(error: unknown): Pick<BareReport, "error"> {
  const { name, message, code } = error as Error & { code?: string };
  return { error: { name, message, code } };
}
