import type { ServiceBusClient, ServiceBusMessage, ServiceBusReceiver } from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { refuses } from "./support/refusal.ts";
import { officialClient } from "./support/official-client.ts";

let bus: ServiceBusSimulator;
let client: ServiceBusClient;

beforeEach(async () => {
  bus = await serviceBus({
    topics: [
      {
        name: "events",
        subscriptions: [
          "all",
          { name: "big", rules: [{ name: "big", filter: "amount > 100 AND sys.Label LIKE 'order%'" }] },
          {
            name: "urgent",
            rules: [
              {
                name: "urgent",
                filter: { subject: "order.urgent", applicationProperties: { region: "eu" } },
                action: "SET priority = 1 + 1; SET sys.To = 'desk'; REMOVE region",
              },
              { name: "also", filter: "amount = 7" },
            ],
          },
          { name: "sessions", requiresSession: true },
          { name: "fragile", rules: [{ name: "divides", filter: "amount / zero = 1" }] },
        ],
      },
    ],
  });
  client = officialClient(bus);
});

afterEach(async () => {
  await client.close();
  await bus.close();
});

const send = (...messages: ServiceBusMessage[]): Promise<void> =>
  client.createSender("events").sendMessages(messages);

async function bodies(receiver: ServiceBusReceiver, count: number): Promise<unknown[]> {
  const messages = await receiver.receiveMessages(count, { maxWaitTimeInMs: 15_000 });
  for (const message of messages) await receiver.completeMessage(message);
  return messages.map(({ body }) => body);
}

describe("topics with the official client", () => {
  it("copies a message to each subscription whose rules take it", async () => {
    await send(
      { body: "small", subject: "order", applicationProperties: { amount: 5 } },
      { body: "large", subject: "order.new", applicationProperties: { amount: 500 } },
      { body: "other", subject: "invoice", applicationProperties: { amount: 500 } },
    );
    expect(await bodies(client.createReceiver("events", "all"), 3)).toEqual(["small", "large", "other"]);
    expect(await bodies(client.createReceiver("events", "big"), 1)).toEqual(["large"]);
    expect(bus.subscription("events", "big").activeMessages).toBe(0);
    expect(bus.journal.stored("events")).toHaveLength(3);
    expect(bus.journal.stored("events/Subscriptions/big")).toHaveLength(1);
  });

  it("applies a rule's action to a copy of its own", async () => {
    await send({ body: 1, subject: "order.urgent", applicationProperties: { region: "eu", amount: 7 } });
    const messages = await client
      .createReceiver("events", "urgent")
      .receiveMessages(2, { maxWaitTimeInMs: 15_000 });
    expect(messages.map(({ applicationProperties, to }) => [applicationProperties, to])).toEqual([
      [{ region: "eu", amount: 7 }, undefined],
      [{ amount: 7, priority: 2 }, "desk"],
    ]);
  });

  it("dead-letters what a filter fails on, and what has no session where one is needed", async () => {
    await send({ body: 1, applicationProperties: { amount: 1, zero: 0 } });
    expect(bus.subscription("events", "fragile").deadLetterMessages).toBe(1);
    const [dead] = await client
      .createReceiver("events", "sessions", { subQueueType: "deadLetter" })
      .receiveMessages(1, { maxWaitTimeInMs: 15_000 });
    expect(dead).toMatchObject({
      deadLetterReason: "Session ID is null",
      deadLetterSource: "events/Subscriptions/sessions",
    });
  });

  it("has sessions in subscriptions", async () => {
    await send({ body: 1, sessionId: "a" }, { body: 2, sessionId: "b" }, { body: 3, sessionId: "a" });
    const session = await client.acceptSession("events", "sessions", "a");
    expect(await bodies(session, 2)).toEqual([1, 3]);
    await session.close();
  });

  it("schedules on the topic and takes back what is not due", async () => {
    const sender = client.createSender("events");
    const [later] = await sender.scheduleMessages({ body: "later" }, new Date(Date.now() + 60_000));
    await sender.scheduleMessages({ body: "soon" }, new Date(Date.now() + 1_000));
    await sender.cancelScheduledMessages(later!);
    expect(bus.topic("events").scheduledMessages).toBe(1);
    expect(await bodies(client.createReceiver("events", "all"), 1)).toEqual(["soon"]);
  });

  it("adds, lists and removes rules as the official rule manager asks", async () => {
    const rules = client.createRuleManager("events", "all");
    await rules.deleteRule("$Default");
    await rules.createRule(
      "reds",
      { applicationProperties: { colour: "red" }, subject: "paint" },
      { sqlExpression: "SET seen = TRUE" },
    );
    await rules.createRule("blues", { sqlExpression: "colour IN ('blue', 'navy')" });
    const listed = [];
    for await (const rule of rules.listRules()) listed.push(rule);
    expect(listed).toMatchObject([
      {
        name: "reds",
        filter: { subject: "paint", applicationProperties: { colour: "red" } },
        action: { sqlExpression: "SET seen = TRUE" },
      },
      { name: "blues", filter: { sqlExpression: "colour IN ('blue', 'navy')" }, action: {} },
    ]);
    await send(
      { body: "navy", applicationProperties: { colour: "navy" } },
      { body: "red", subject: "paint", applicationProperties: { colour: "red" } },
      { body: "green", applicationProperties: { colour: "green" } },
    );
    expect(await bodies(client.createReceiver("events", "all"), 2)).toEqual(["navy", "red"]);
    await expect(rules.createRule("reds", { sqlExpression: "1=1" })).rejects.toMatchObject({
      code: "MessagingEntityAlreadyExists",
    });
    await expect(rules.deleteRule("greens")).rejects.toMatchObject({ code: "MessagingEntityNotFound" });
    await expect(rules.createRule("bad", { sqlExpression: "a = = b" })).rejects.toThrow(/Unexpected '='/);
  });

  it("detaches and refuses when the topic is deleted or may not be sent to", async () => {
    const sender = client.createSender("events");
    await sender.sendMessages({ body: 1 });
    bus.topic("events").setStatus("SendDisabled");
    await refuses(() => sender.sendMessages({ body: 2 }), "MessagingEntityDisabled");
    expect(await bodies(client.createReceiver("events", "all"), 1)).toEqual([1]);
    bus.topic("events").delete();
    await refuses(() => sender.sendMessages({ body: 3 }), "MessagingEntityNotFound");
    await refuses(() => client.createReceiver("events", "all").peekMessages(1), "MessagingEntityNotFound");
  });
});
