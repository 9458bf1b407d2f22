import process from "node:process";
import { ServiceBusClient } from "@holdfast/service-bus";

// Replays dead letters until it is killed. The argument: a connection string.
const client = new ServiceBusClient(process.argv[2] ?? "");
await client.deadLetters("orders").replay();
