import process from "node:process";
import { ServiceBusClient } from "@azure/service-bus";
import type { BareWork } from "./work-baseline.ts";
import { workScenarios } from "./work-scenarios.ts";

// The official client with its default options, in a process of its own, because it can bring its process down.
process.on("disconnect", () => process.exit());
process.on("message", ({ scenario, connectionString }: BareWork) => {
  const { credential, work } = workScenarios[scenario] ?? {};
  const client =
    credential === undefined
      ? new ServiceBusClient(connectionString)
      : new ServiceBusClient(connectionString, credential());
  void work?.(client, connectionString).then((story) => process.send?.(story));
});
