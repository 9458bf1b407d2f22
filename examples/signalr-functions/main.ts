// npm start -w examples/signalr-functions: against a simulated service, or, with AZURE_SIGNALR_CONNECTION_STRING set, against yours (serverless).
import process from "node:process";
import { HubConnectionBuilder, LogLevel } from "@holdfast/signalr";
import { signalr } from "@holdfast/simulators/signalr";
import { functions } from "./functions.ts";
import { host, principal } from "./host.ts";

const given = process.env["AZURE_SIGNALR_CONNECTION_STRING"];
if (given === undefined) {
  await using sim = await signalr({ hubs: ["news"], service: { mode: "serverless" } });
  await demonstrate(sim.service.connectionString);
} else {
  await demonstrate(given);
}

async function demonstrate(connectionString: string): Promise<void> {
  const app = functions(connectionString);
  // Sixty groups make a token of more than 4 K.
  const groups = Array.from(
    { length: 60 },
    (_, n) => `00000000-0000-0000-0000-${String(n).padStart(12, "0")}`,
  );
  const ada = principal("ada@contoso.example", { name: ["Ada"], roles: ["editor"], groups });
  await using api = await host(app, ada);
  await using connection = new HubConnectionBuilder()
    .withUrl(api.url)
    .configureLogging(LogLevel.Warning)
    .build();
  const heard = new Promise<string>((resolve) => {
    connection.on("Announced", resolve);
  });
  await connection.start();
  console.log("connected; the token holds what trimClaims allows");
  await app.announce("the news of the hour");
  console.log(`heard: ${await heard}`);
}
