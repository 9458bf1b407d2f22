import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBusAdministrationClient, ServiceBusClient } from "@azure/service-bus";
import { afterEach, beforeEach, expect, it } from "vitest";
import { serviceBusCommand } from "../src/bin/service-bus-command.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "service-bus-command-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

it("starts what a configuration file and the arguments describe, and tells how to reach it", async () => {
  const config = join(folder, "bus.json");
  const ca = join(folder, "ca.pem");
  await writeFile(config, JSON.stringify({ queues: [{ name: "orders", requiresSession: true }] }));
  const running = await serviceBusCommand.run([
    ...["--config", config, "--queue", "more", "--topic", "events"],
    ...["--port", "0", "--tls-port", "0", "--ca-file", ca],
  ]);
  const [plain = "", secure = ""] = running.lines.map((line) => line.slice(line.indexOf("Endpoint=")));
  const client = new ServiceBusClient(plain);
  await client.createSender("more").sendMessages({ body: 1 });
  const admin = new ServiceBusAdministrationClient(secure, {
    tlsOptions: { ca: await readFile(ca, "utf8") },
  });
  expect((await admin.getQueueRuntimeProperties("more")).activeMessageCount).toBe(1);
  expect((await admin.getQueue("orders")).requiresSession).toBe(true);
  expect(await admin.subscriptionExists("events", "all")).toBe(true);
  await client.close();
  await running.close();
});

it("says which argument it does not understand", async () => {
  await expect(serviceBusCommand.run(["--port", "many"])).rejects.toThrow(
    '--port must be a port number, got "many"',
  );
  await expect(serviceBusCommand.run(["--porridge"])).rejects.toThrow(/porridge/);
});
