import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBusClient } from "@azure/service-bus";
import { expect, it } from "vitest";
import { bare, scene, wrapped, type Contender } from "./clients.ts";

// Calls that both must refuse in the very same way; what that is, the official client says. Where ours says more: differences.md.
const entities = {
  queues: ["orders", { name: "chats", requiresSession: true }],
  topics: [{ name: "events", subscriptions: ["all"] }],
};
type Anything = Record<string, (...args: unknown[]) => unknown>;
type Wrong = (client: ServiceBusClient) => unknown;

const any = (value: unknown): Anything => value as Anything;
const sender = (client: ServiceBusClient): Anything => any(client.createSender("orders"));
const receiver = (client: ServiceBusClient): Anything => any(client.createReceiver("orders"));
const handlers = { processMessage: () => sleep(0), processError: () => sleep(0) };

async function closed(client: ServiceBusClient, what: "sender" | "receiver" | "client"): Promise<Anything> {
  const sending = client.createSender("orders");
  const receiving = client.createReceiver("orders");
  if (what === "client") await client.close();
  await sending.close();
  await receiving.close();
  return any(what === "sender" ? sending : what === "receiver" ? receiving : client);
}

async function received(client: ServiceBusClient): Promise<{ from: Anything; message: unknown }> {
  await client.createSender("orders").sendMessages({ body: 1 });
  const from = client.createReceiver("orders");
  const [message] = await from.receiveMessages(1);
  return { from: any(from), message };
}

const calls: Readonly<Record<string, Wrong>> = {
  "createSender without a name": (client) => any(client)["createSender"]!(),
  "createSender with a number": (client) => any(client)["createSender"]!(1),
  "createReceiver without a name": (client) => any(client)["createReceiver"]!(),
  "createReceiver with a wrong mode": (client) =>
    any(client)["createReceiver"]!("orders", { receiveMode: "x" }),
  "createReceiver with a wrong sub queue": (client) =>
    any(client)["createReceiver"]!("orders", { subQueueType: "attic" }),
  "acceptSession without a session": (client) => any(client)["acceptSession"]!("chats"),
  "acceptSession with a wrong mode": (client) =>
    any(client)["acceptSession"]!("chats", "a", { receiveMode: "x" }),
  "sendMessages of nothing": (client) => sender(client)["sendMessages"]!(),
  "sendMessages of a string": (client) => sender(client)["sendMessages"]!("text"),
  "sendMessages without a body": (client) => sender(client)["sendMessages"]!({ messageId: "m" }),
  "scheduleMessages without a time": (client) => sender(client)["scheduleMessages"]!({ body: 1 }),
  "scheduleMessages of nothing": (client) => sender(client)["scheduleMessages"]!(undefined, new Date()),
  "scheduleMessages with text for a time": (client) =>
    sender(client)["scheduleMessages"]!({ body: 1 }, "now"),
  "cancelScheduledMessages of nothing": (client) => sender(client)["cancelScheduledMessages"]!(),
  "cancelScheduledMessages of text": (client) => sender(client)["cancelScheduledMessages"]!("1"),
  "createMessageBatch larger than the link": (client) =>
    sender(client)["createMessageBatch"]!({ maxSizeInBytes: 99_999_999 }),
  "tryAddMessage of nothing": async (client) =>
    any(await sender(client)["createMessageBatch"]!())["tryAddMessage"]!(undefined),
  "receiveMessages without a count": (client) => receiver(client)["receiveMessages"]!(),
  "receiveMessages of none": (client) => receiver(client)["receiveMessages"]!(0),
  "receiveMessages of text": (client) => receiver(client)["receiveMessages"]!("one"),
  "receiveDeferredMessages of nothing": (client) => receiver(client)["receiveDeferredMessages"]!(),
  "receiveDeferredMessages of text": (client) => receiver(client)["receiveDeferredMessages"]!("1"),
  "subscribe without handlers": (client) => receiver(client)["subscribe"]!(),
  "subscribe without processError": (client) =>
    receiver(client)["subscribe"]!({ processMessage: handlers.processMessage }),
  "subscribe without processMessage": (client) =>
    receiver(client)["subscribe"]!({ processError: handlers.processError }),
  "completeMessage of nothing": (client) => receiver(client)["completeMessage"]!(),
  "completeMessage of what was not received": (client) => receiver(client)["completeMessage"]!({ body: 1 }),
  "completeMessage of what was peeked": async (client) => {
    await client.createSender("orders").sendMessages({ body: 1 });
    const from = client.createReceiver("orders");
    const [message] = await from.peekMessages(1);
    return any(from)["completeMessage"]!(message);
  },
  "abandonMessage after completeMessage": async (client) => {
    const { from, message } = await received(client);
    await from["completeMessage"]!(message);
    return from["abandonMessage"]!(message);
  },
  "renewMessageLock of nothing": (client) => receiver(client)["renewMessageLock"]!(),
  "renewMessageLock of what was not received": (client) => receiver(client)["renewMessageLock"]!({ body: 1 }),
  "a closed sender's sendMessages": async (client) =>
    (await closed(client, "sender"))["sendMessages"]!({ body: 1 }),
  "a closed sender's scheduleMessages": async (client) =>
    (await closed(client, "sender"))["scheduleMessages"]!({ body: 1 }, new Date()),
  "a closed sender's createMessageBatch": async (client) =>
    (await closed(client, "sender"))["createMessageBatch"]!(),
  "a closed receiver's receiveMessages": async (client) =>
    (await closed(client, "receiver"))["receiveMessages"]!(1),
  "a closed receiver's peekMessages": async (client) =>
    (await closed(client, "receiver"))["peekMessages"]!(1),
  "a closed receiver's subscribe": async (client) =>
    (await closed(client, "receiver"))["subscribe"]!(handlers),
  "a closed receiver's iterator": (client) =>
    closed(client, "receiver").then((one) =>
      (one["getMessageIterator"]!() as AsyncIterableIterator<unknown>).next(),
    ),
  "a closed client's createSender": async (client) =>
    (await closed(client, "client"))["createSender"]!("orders"),
  "a closed client's createReceiver": async (client) =>
    (await closed(client, "client"))["createReceiver"]!("orders"),
  "a closed client's acceptSession": async (client) =>
    (await closed(client, "client"))["acceptSession"]!("chats", "a"),
  "a closed client's acceptNextSession": async (client) =>
    (await closed(client, "client"))["acceptNextSession"]!("chats"),
  "a closed client's createRuleManager": async (client) =>
    (await closed(client, "client"))["createRuleManager"]!("events", "all"),
  "createRule without a name": (client) => any(client.createRuleManager("events", "all"))["createRule"]!(),
  "deleteRule without a name": (client) => any(client.createRuleManager("events", "all"))["deleteRule"]!(),
};

interface Outcome {
  /** Thrown in the call, or by what it returned; or neither. */
  readonly how: string;
  readonly name?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
}

async function outcomeOf(contender: Contender, call: Wrong): Promise<Outcome> {
  await using s = await scene(contender, entities);
  const told = (how: string, error: unknown): Outcome => {
    const { name, code, message } = error as Record<string, unknown>;
    // Names of links and receivers end in an id.
    return {
      how,
      name,
      code,
      message: String(message).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>"),
    };
  };
  let returned: unknown;
  try {
    returned = call(s.client);
  } catch (error) {
    return told("thrown", error);
  }
  try {
    const timeout = sleep(3_000, "pending");
    return { how: (await Promise.race([returned, timeout])) === "pending" ? "pending" : "resolved" };
  } catch (error) {
    return told("rejected", error);
  }
}

it.each(Object.entries(calls))("%s ends with both in the same way", async (_, call) => {
  const [theirs, ours] = await Promise.all([outcomeOf(bare, call), outcomeOf(wrapped, call)]);
  expect(ours).toEqual(theirs);
});
