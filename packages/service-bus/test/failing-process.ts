import process from "node:process";
import { backoff, ServiceBusClient } from "@holdfast/service-bus";

// Has every message come again as a copy until it is killed. The argument: a connection string.
const client = new ServiceBusClient(process.argv[2] ?? "");
client.createProcessor(
  "orders",
  () => {
    throw new Error("not yet");
  },
  { redelivery: { by: "copy", backoff: backoff.steps({ delaysMs: [1_500], jitterMs: 0 }) } },
);
