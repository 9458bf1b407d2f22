import process from "node:process";
import { serviceBus } from "@holdfast/simulators/service-bus";

const queues = ["orders", "returns"];

// The service in a process of its own, so that the clients do not share its processor time.
const bus = await serviceBus({
  queues: queues.map((name) => ({ name, lockDurationMs: 30_000 })),
  acknowledgementDelayMs: Number(process.argv[2] ?? 0),
});
process.send?.(bus.connectionString);
process.on("message", () => {
  // Thousands of messages a second would fill the memory, and what looks after it would take the clients' processor time.
  bus.journal.clear();
  for (const queue of queues) bus.queue(queue).purge();
  process.send?.("forgotten");
});
process.on("disconnect", () => process.exit());
