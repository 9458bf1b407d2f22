import type { RuleProperties, ServiceBusRuleManager } from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import { contenders, scene, type Scene } from "./clients.ts";

const entities = { topics: [{ name: "events", subscriptions: ["all", "reds"] }] };

async function rulesOf(manager: ServiceBusRuleManager): Promise<RuleProperties[]> {
  const rules: RuleProperties[] = [];
  for await (const rule of manager.listRules()) rules.push(rule);
  return rules;
}

/** Two at most: when fewer are there, the official client waits to the end. */
async function bodiesAt(s: Scene, subscription: string): Promise<unknown[]> {
  const receiver = s.client.createReceiver("events", subscription, { receiveMode: "receiveAndDelete" });
  const bodies = (await receiver.receiveMessages(2, { maxWaitTimeInMs: 15_000 })).map(
    ({ body }) => body as unknown,
  );
  await receiver.close();
  return bodies;
}

describe.each(contenders)("topics of $name", (contender) => {
  it("give each subscription its copy", async () => {
    await using s = await scene(contender, entities);
    await s.client.createSender("events").sendMessages([{ body: 1 }, { body: 2 }]);
    expect(await bodiesAt(s, "all")).toEqual([1, 2]);
    expect(await bodiesAt(s, "reds")).toEqual([1, 2]);
  });

  it("have rules that a rule manager lists, makes and removes", async () => {
    await using s = await scene(contender, entities);
    const manager = s.client.createRuleManager("events", "reds");
    expect(await rulesOf(manager)).toMatchObject([{ name: "$Default", filter: { sqlExpression: "1=1" } }]);
    await manager.createRule("sql", { sqlExpression: "size > 3" }, { sqlExpression: "SET seen = 1" });
    await manager.createRule("correlated", { subject: "red", applicationProperties: { shiny: true } });
    await manager.deleteRule("$Default");
    const rules = await rulesOf(manager);
    expect(rules.map(({ name }) => name).sort()).toEqual(["correlated", "sql"]);
    expect(rules.find(({ name }) => name === "sql")).toMatchObject({
      filter: { sqlExpression: "size > 3" },
      action: { sqlExpression: "SET seen = 1" },
    });
    expect(rules.find(({ name }) => name === "correlated")!.filter).toMatchObject({
      subject: "red",
      applicationProperties: { shiny: true },
    });
    await s.client.createSender("events").sendMessages([
      { body: "red", subject: "red", applicationProperties: { shiny: true } },
      { body: "dull", subject: "red", applicationProperties: { shiny: false } },
      { body: "big", applicationProperties: { size: 4 } },
    ]);
    expect(await bodiesAt(s, "reds")).toEqual(["red", "big"]);
  });

  it("reject rules that are there already, or are not", async () => {
    await using s = await scene(contender, entities);
    const manager = s.client.createRuleManager("events", "reds");
    await expect(manager.createRule("$Default", { sqlExpression: "1=1" })).rejects.toMatchObject({
      name: "ServiceBusError",
      code: "MessagingEntityAlreadyExists",
    });
    await expect(manager.deleteRule("none")).rejects.toMatchObject({
      name: "ServiceBusError",
      code: "MessagingEntityNotFound",
    });
  });

  it("have dead letters of their own, and receivers that say so", async () => {
    await using s = await scene(contender, entities);
    await s.client.createSender("events").sendMessages({ body: 1 });
    const receiver = s.client.createReceiver("events", "all");
    expect(receiver.entityPath).toBe("events/Subscriptions/all");
    const [message] = await receiver.receiveMessages(1);
    await receiver.deadLetterMessage(message!, { deadLetterReason: "why", deadLetterErrorDescription: "so" });
    const graveyard = s.client.createReceiver("events", "all", { subQueueType: "deadLetter" });
    expect(graveyard.entityPath).toBe("events/Subscriptions/all/$DeadLetterQueue");
    expect((await graveyard.receiveMessages(1))[0]!.deadLetterReason).toBe("why");
  });

  it("have sessions", async () => {
    const subscriptions = [{ name: "chats", requiresSession: true }];
    await using s = await scene(contender, { topics: [{ name: "events", subscriptions }] });
    await s.client.createSender("events").sendMessages({ body: 1, sessionId: "a" });
    const byId = await s.client.acceptSession("events", "chats", "a");
    expect((await byId.receiveMessages(1))[0]!.body).toBe(1);
    await byId.close();
    expect((await s.client.acceptNextSession("events", "chats")).sessionId).toBe("a");
  });
});
