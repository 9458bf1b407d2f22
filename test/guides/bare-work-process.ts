import process from "node:process";
import { ServiceBusClient } from "@azure/service-bus";
import type { BareWork } from "./receiving-baseline.ts";
import { receivingScenarios } from "./receiving-scenarios.ts";

// The official client with its default options, in a process of its own, because it can bring its process down.
process.on("disconnect", () => process.exit());
process.on("message", ({ scenario, connectionString }: BareWork) => {
  const work = receivingScenarios[scenario]?.work(new ServiceBusClient(connectionString), connectionString);
  void work?.then((story) => process.send?.(story));
});
