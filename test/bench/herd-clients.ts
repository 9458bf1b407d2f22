import process from "node:process";
import {
  HttpTransportType,
  HubConnectionBuilder as OfficialBuilder,
  LogLevel,
  type HubConnection,
} from "@microsoft/signalr";
import { HubConnectionBuilder } from "@holdfast/signalr";

// A crowd of clients in a process of its own: `official` with withAutomaticReconnect(), or `ours` with the defaults.
const [kind, url = "", count = "0"] = process.argv.slice(2);

function build(): HubConnection {
  return kind === "official"
    ? new OfficialBuilder()
        .configureLogging(LogLevel.None)
        .withUrl(url, HttpTransportType.WebSockets)
        .withAutomaticReconnect()
        .build()
    : new HubConnectionBuilder()
        .configureLogging(LogLevel.None)
        .withUrl(url)
        .withResilience({ warnAboveConnections: Infinity })
        .build();
}

const clients = Array.from({ length: Number(count) }, build);
// In small groups, because the official start() is not retried.
for (let index = 0; index < clients.length; index += 25) {
  await Promise.all(clients.slice(index, index + 25).map((client) => client.start()));
}
process.send?.("connected");
process.on("disconnect", () => process.exit());
