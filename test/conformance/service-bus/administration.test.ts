import { ServiceBusAdministrationClient as Official } from "@azure/service-bus";
import { ServiceBusAdministrationClient } from "@holdfast/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let bus: ServiceBusSimulator;
beforeAll(async () => {
  bus = await serviceBus({
    tls: true,
    queues: ["orders"],
    topics: [{ name: "events", subscriptions: ["all"] }],
  });
});
afterAll(() => bus.close());

const contenders: readonly [string, typeof Official][] = [
  ["the official administration client", Official],
  ["ours", ServiceBusAdministrationClient],
];
const never = "P10675199DT2H48M5.4775807S";

describe.each(contenders)("%s", (_, Client) => {
  const client = (): Official => new Client(bus.tls!.connectionString, { tlsOptions: { ca: bus.tls!.ca } });

  it("may be given a namespace and a credential", async () => {
    const credential = { getToken: async () => ({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }) };
    const admin = new Client(`localhost:${String(bus.tls!.port)}`, credential, {
      tlsOptions: { ca: bus.tls!.ca },
    });
    expect((await admin.getQueue("orders")).name).toBe("orders");
  });

  it("creates, reads, changes and deletes a queue", async () => {
    const admin = client();
    const made = await admin.createQueue("made", { lockDuration: "PT30S", requiresSession: true });
    expect(made).toMatchObject({
      name: "made",
      lockDuration: "PT30S",
      status: "Active",
      autoDeleteOnIdle: never,
    });
    expect(made._response.status).toBe(201);
    expect(await admin.updateQueue({ ...made, maxDeliveryCount: 3 })).toMatchObject({ maxDeliveryCount: 3 });
    expect((await admin.getQueueRuntimeProperties("made")).createdAt).toBeInstanceOf(Date);
    expect(await admin.queueExists("made")).toBe(true);
    expect((await admin.deleteQueue("made"))._response.status).toBe(200);
    expect(await admin.queueExists("made")).toBe(false);
  });

  it("creates, reads, changes and deletes a topic with a subscription and a rule", async () => {
    const admin = client();
    const topic = await admin.createTopic("made");
    expect(await admin.updateTopic({ ...topic, userMetadata: "u" })).toMatchObject({ userMetadata: "u" });
    const rule = { name: "only", filter: { sqlExpression: "1=0" } };
    const subscription = await admin.createSubscription("made", "s", { defaultRuleOptions: rule });
    expect(await admin.updateSubscription({ ...subscription, lockDuration: "PT10S" })).toMatchObject({
      lockDuration: "PT10S",
    });
    const made = await admin.createRule("made", "s", "r", { subject: "x" }, { sqlExpression: "SET a = 1" });
    expect(made).toMatchObject({
      name: "r",
      filter: { subject: "x" },
      action: { sqlExpression: "SET a = 1" },
    });
    const names: string[] = [];
    for await (const { name } of admin.listRules("made", "s")) names.push(name);
    expect(names).toEqual(["only", "r"]);
    await admin.deleteRule("made", "s", "r");
    await admin.deleteSubscription("made", "s");
    await admin.deleteTopic("made");
    expect(await admin.topicExists("made")).toBe(false);
  });

  it("lists page by page, with continuation tokens", async () => {
    const admin = client();
    await admin.createQueue("two");
    const pages: string[][] = [];
    for await (const page of admin.listQueues().byPage({ maxPageSize: 1 }))
      pages.push(page.map(({ name }) => name));
    expect(pages).toEqual([["orders"], ["two"]]);
    await admin.deleteQueue("two");
  });

  it("rejects with the same errors", async () => {
    const admin = client();
    await expect(admin.createQueue("orders")).rejects.toMatchObject({
      name: "RestError",
      code: "MessageEntityAlreadyExistsError",
      statusCode: 409,
    });
    await expect(admin.getQueue("none")).rejects.toMatchObject({
      code: "MessageEntityNotFoundError",
      statusCode: 200,
    });
    await expect(admin.deleteTopic("none")).rejects.toMatchObject({
      code: "MessageEntityNotFoundError",
      statusCode: 404,
    });
    await expect(admin.getQueue("orders", { abortSignal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});
