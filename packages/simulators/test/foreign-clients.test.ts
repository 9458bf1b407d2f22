import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import rhea, { type EventContext } from "rhea";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";
import { next, openReceiver, openSender, rawConnection } from "./support/raw-client.ts";

// What clients of other languages rely on, found by trying them: azure-servicebus for Python, uamqp, Qpid Proton.

let bus: ServiceBusSimulator;

beforeEach(async () => {
  bus = await serviceBus({
    webSocket: true,
    queues: ["orders", "inbox", { name: "hop", forwardTo: "inbox" }],
    topics: [{ name: "events", subscriptions: ["all"] }],
  });
});

afterEach(async () => {
  await bus.close();
});

it("lets a client in that ends the path of the WebSocket with a slash, as uamqp does", async () => {
  const socket = new WebSocket(`${bus.webSocket!.url}/`, bus.webSocket!.subprotocol);
  await once(socket, "open");
  expect(socket.protocol).toBe("AMQPWSB10");
  socket.terminate();
});

it("takes WebSockets on the port of plain TCP too", async () => {
  const url = `ws://127.0.0.1:${String(bus.port)}/$servicebus/websocket`;
  const socket = new WebSocket(url, "AMQPWSB10");
  await once(socket, "open");
  // The protocol header of SASL, AMQP 5.3.1: it is AMQP that answers.
  socket.send(Buffer.from("AMQP\u0003\u0001\u0000\u0000", "latin1"));
  const [answer] = (await once(socket, "message")) as [Buffer];
  expect(answer.subarray(0, 5).toString("latin1")).toBe("AMQP\u0003");
  socket.terminate();
});

it("tells how long a message lives: what its sender asked for, or what its entity allows", async () => {
  await using short = await serviceBus({ queues: [{ name: "orders", defaultTimeToLiveMs: 60_000 }] });
  const client = officialClient(short);
  await client.createSender("orders").sendMessages([{ body: 1 }, { body: 2, timeToLive: 5_000 }]);
  const messages = await client.createReceiver("orders").peekMessages(2);
  expect(messages.map(({ timeToLive }) => timeToLive)).toEqual([60_000, 5_000]);
  await client.close();
});

it("answers an attach before it delivers, when the credit came in one breath with the attach", async () => {
  const client = officialClient(bus);
  await client.createSender("orders").sendMessages({ body: 1 });
  const connection = await rawConnection(bus);
  const seen: string[] = [];
  const receiver = connection.open_receiver({
    source: { address: "orders" },
    credit_window: 0,
    autoaccept: false,
  });
  receiver.add_credit(1);
  receiver.on("receiver_open", () => seen.push("attach"));
  receiver.on("message", () => seen.push("transfer"));
  await next(receiver, "message");
  expect(seen).toEqual(["attach", "transfer"]);
  connection.close();
  await client.close();
});

it("says that it has no transactions to a client that asks for their coordinator", async () => {
  const connection = await rawConnection(bus);
  const sender = connection.open_sender({});
  const { types } = rhea as unknown as { types: Record<string, (...values: unknown[]) => unknown> };
  // AMQP 4.5.1: a coordinator, with the capability of local transactions.
  (sender as unknown as { local: { attach: { target: unknown } } }).local.attach.target = types["described"]!(
    types["wrap_ulong"]!(0x30),
    types["wrap_list"]!([types["wrap_symbol"]!("amqp:local-transactions")]),
  );
  await next(sender, "sender_error");
  expect(bus.journal.refusals()).toMatchObject([{ step: "attach", condition: "amqp:not-implemented" }]);
  connection.close();
});

describe("a delivery", () => {
  it("carries its lock token as an annotation too, in the order of RFC 4122", async () => {
    const client = officialClient(bus);
    await client.createSender("orders").sendMessages({ body: 1 });
    const connection = await rawConnection(bus);
    const arrived = next(await openReceiver(connection, "orders", { credit: 1 }), "message");
    const { message } = await arrived;
    const [{ lockToken } = {}] = bus.journal.delivered("orders");
    const token = message?.delivery_annotations?.["x-opt-lock-token"] as Buffer;
    expect(token.toString("hex")).toBe(lockToken?.replaceAll("-", ""));
    connection.close();
    await client.close();
  });

  it("carries no lock token when there is no lock", async () => {
    const client = officialClient(bus);
    await client.createSender("orders").sendMessages({ body: 1 });
    const connection = await rawConnection(bus);
    const receiver = await openReceiver(connection, "orders", { credit: 1, snd_settle_mode: 1 });
    const { message }: EventContext = await next(receiver, "message");
    expect(message?.delivery_annotations).toBeUndefined();
    connection.close();
    await client.close();
  });
});

it("gives the sequence number of the entity that a message came from, and 0 when it came from a client", async () => {
  const client = officialClient(bus);
  for (const entity of ["orders", "hop", "hop", "events", "events", "events"]) {
    await client.createSender(entity).sendMessages({ body: entity });
  }
  const numbers = async (path: string, count: number) => {
    const messages = await client.createReceiver(path).peekMessages(count);
    return messages.map(({ enqueuedSequenceNumber }) => enqueuedSequenceNumber);
  };
  expect(await numbers("orders", 1)).toEqual([0]);
  expect(await numbers("inbox", 2)).toEqual([1, 2]);
  expect(await numbers("events/Subscriptions/all", 3)).toEqual([1, 2, 3]);
  await client.close();
});

it("deletes messages unread, the oldest first, as the newer official clients ask", async () => {
  const client = officialClient(bus);
  await client.createSender("orders").sendMessages([1, 2, 3, 4].map((body) => ({ body })));
  const connection = await rawConnection(bus);
  const replies = await openReceiver(connection, "orders/$management", { name: "replies", credit: 3 });
  const requests = await openSender(connection, "orders/$management");
  const ask = async (count: number, before: number) => {
    requests.send({
      message_id: "1",
      reply_to: "replies",
      application_properties: { operation: "com.microsoft:batch-delete-messages" },
      body: {
        "message-count": rhea.types.wrap_int(count),
        "enqueued-time-utc": rhea.types.wrap_timestamp(before),
      },
    });
    const { message } = await next(replies, "message");
    return [message?.application_properties?.["statusCode"], message?.body as unknown];
  };
  const [{ body: first } = {}] = await client.createReceiver("orders").receiveMessages(1);
  expect(first).toBe(1);
  expect(await ask(2, Date.now() + 60_000)).toEqual([200, { "message-count": 2 }]);
  expect(await ask(9, Date.now() - 60_000)).toEqual([204, {}]);
  expect(bus.journal.settled("orders")).toMatchObject([
    { sequenceNumber: 2, disposition: "deleted", via: "management" },
    { sequenceNumber: 3, disposition: "deleted", via: "management" },
  ]);
  expect(bus.queue("orders").activeMessages).toBe(2);
  connection.close();
  await client.close();
});

it("keeps what a client adds to a message that it dead-letters", async () => {
  const client = officialClient(bus);
  await client.createSender("orders").sendMessages({ body: 1, applicationProperties: { kept: 1 } });
  const receiver = client.createReceiver("orders");
  const [message] = await receiver.receiveMessages(1);
  await receiver.deadLetterMessage(message!, {
    deadLetterReason: "why",
    deadLetterErrorDescription: "because",
    attempt: 3,
  });
  const [dead] = await client.createReceiver("orders", { subQueueType: "deadLetter" }).peekMessages(1);
  expect(dead!.applicationProperties).toEqual({
    kept: 1,
    attempt: 3,
    DeadLetterReason: "why",
    DeadLetterErrorDescription: "because",
  });
  expect(bus.journal.deadLettered("orders")).toMatchObject([{ reason: "why", description: "because" }]);
  await client.close();
});
