import { HubConnectionBuilder, LogLevel } from "@holdfast/signalr";
import { answer, signalr } from "@holdfast/simulators/signalr";
import { expect, it } from "vitest";
import { functions } from "./functions.ts";
import { host, principal } from "./host.ts";

const groups = Array.from(
  { length: 60 },
  (_, index) => `00000000-0000-0000-0000-${String(index).padStart(12, "0")}`,
);
const ada = principal("ada@contoso.example", { name: ["Ada"], roles: ["editor", "author"], groups });

it("lets a user of sixty groups in, with a token that fits, and reaches them again after the service has failed", async () => {
  await using sim = await signalr({ hubs: ["news"], service: { mode: "serverless" } });
  const app = functions(sim.service.connectionString);
  await using api = await host(app, ada);
  await using connection = new HubConnectionBuilder()
    .withUrl(api.url)
    .configureLogging(LogLevel.None)
    .build();
  const heard: string[] = [];
  connection.on("Announced", (text: string) => heard.push(text));
  await connection.start();
  const [entry] = sim.journal.alive("news");
  expect(entry?.userId).toBe("ada@contoso.example");
  const negotiated = await fetch(`${api.url}/negotiate?negotiateVersion=1`, { method: "POST" });
  const { accessToken } = (await negotiated.json()) as { accessToken: string };
  expect(accessToken.length).toBeLessThanOrEqual(4_096);
  const claims = JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()) as object;
  expect(claims).toMatchObject({ name: ["Ada"], roles: ["editor", "author"] });
  expect(claims).not.toHaveProperty("groups");

  await app.announce("before");
  const back = new Promise((resolve) => {
    connection.onreconnected(resolve);
  });
  sim.dropConnections();
  await back;
  sim.faults.next("rest", answer(503));
  await app.announce("after");
  await expect.poll(() => heard, { timeout: 5_000 }).toEqual(["before", "after"]);
});

it("refuses who has not signed in", async () => {
  await using sim = await signalr({ hubs: ["news"], service: { mode: "serverless" } });
  await using api = await host(functions(sim.service.connectionString), {});
  const response = await fetch(`${api.url}/negotiate?negotiateVersion=1`, { method: "POST" });
  expect(response.status).toBe(401);
  expect(sim.journal.requests()).toEqual([]);
});
