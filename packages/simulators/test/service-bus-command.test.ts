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

it("takes the configuration file and the connection string of Microsoft's emulator", async () => {
  const config = join(folder, "Config.json");
  const properties = {
    DeadLetteringOnMessageExpiration: false,
    DefaultMessageTimeToLive: "PT1H",
    DuplicateDetectionHistoryTimeWindow: "PT20S",
    ForwardDeadLetteredMessagesTo: "",
    ForwardTo: "",
    LockDuration: "PT30S",
    MaxDeliveryCount: 3,
    RequiresDuplicateDetection: true,
    RequiresSession: false,
  };
  const rules = [
    {
      Name: "by-property",
      Properties: {
        FilterType: "Correlation",
        CorrelationFilter: { ContentType: "application/json", Properties: { colour: "red" } },
      },
    },
    {
      Name: "by-sql",
      Properties: {
        FilterType: "Sql",
        SqlFilter: { SqlExpression: "sys.MessageId = 'm1' AND size = 'xl'" },
        Action: { SqlExpression: "SET sys.To = 'Entity'" },
      },
    },
  ];
  const topic = {
    Name: "topic.1",
    Properties: { DefaultMessageTimeToLive: "PT1H", RequiresDuplicateDetection: false },
    Subscriptions: [
      { Name: "all", Properties: { MaxDeliveryCount: 4 }, Rules: [] },
      { Name: "some", Rules: rules },
    ],
  };
  const namespaces = [
    { Name: "sbemulatorns", Queues: [{ Name: "queue.1", Properties: properties }], Topics: [topic] },
  ];
  await writeFile(
    config,
    JSON.stringify({ UserConfig: { Namespaces: namespaces, Logging: { Type: "File" } } }),
  );
  const running = await serviceBusCommand.run(["--config", config, "--port", "0", "--https-port", "0"]);
  const [, port = ""] = /127\.0\.0\.1:(\d+)/.exec(running.lines[0] ?? "") ?? [];
  const client = new ServiceBusClient(
    `Endpoint=sb://localhost:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;`,
  );
  await client.createSender("queue.1").sendMessages([
    { body: 1, messageId: "twice" },
    { body: 2, messageId: "twice" },
  ]);
  const [message] = await client.createReceiver("queue.1").peekMessages(5);
  expect(message).toMatchObject({ body: 1, timeToLive: 3_600_000 });
  await client
    .createSender("topic.1")
    .sendMessages([
      { body: "sql", messageId: "m1", applicationProperties: { size: "xl" } },
      { body: "correlation", contentType: "application/json", applicationProperties: { colour: "red" } },
      { body: "neither" },
    ]);
  const some = await client.createReceiver("topic.1", "some").peekMessages(5);
  expect(some.map(({ body, to }) => ({ body: body as unknown, to }))).toEqual([
    { body: "sql", to: "Entity" },
    { body: "correlation", to: undefined },
  ]);
  expect(await client.createReceiver("topic.1", "all").peekMessages(5)).toHaveLength(3);
  await client.close();
  await running.close();
});

it("says which argument it does not understand", async () => {
  await expect(serviceBusCommand.run(["--port", "many"])).rejects.toThrow(
    '--port must be a port number, got "many"',
  );
  await expect(serviceBusCommand.run(["--porridge"])).rejects.toThrow(/porridge/);
});
