import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { officialClient } from "./support/official-client.ts";

// "Service Bus HTTP operations" of the service's REST reference: what clients of languages without AMQP use.

let bus: ServiceBusSimulator;

beforeEach(async () => {
  bus = await serviceBus({
    queues: ["orders", { name: "sessions", requiresSession: true }],
    topics: [{ name: "events", subscriptions: ["all"] }],
  });
});

afterEach(async () => {
  await bus.close();
});

async function ask(
  method: string,
  path: string,
  { body, headers = {}, token = "Bearer opaque" }: { body?: string; headers?: object; token?: string } = {},
) {
  const url = path.startsWith("http") ? path : `http://127.0.0.1:${String(bus.port)}/${path}`;
  const response = await fetch(url, {
    method,
    headers: { authorization: token, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe("over HTTP", () => {
  it("a message does not go to a client that went away while it waited for one", async () => {
    const gone = connect(bus.port, "127.0.0.1");
    gone.end(
      "DELETE /orders/messages/head?timeout=30 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer opaque\r\n\r\n",
    );
    gone.resume();
    await expect.poll(() => bus.journal.admin().length).toBe(1);
    await ask("POST", "orders/messages", { body: "kept" });
    const { status, text } = await ask("DELETE", "orders/messages/head?timeout=5");
    expect([status, text]).toEqual([200, "kept"]);
    expect(bus.journal.delivered("orders")).toHaveLength(1);
  });

  it("a message whose properties are in no header's alphabet is received all the same", async () => {
    const sender = officialClient(bus).createSender("orders");
    const applicationProperties = { "Content-Length": 1, brokerproperties: "{}", kept: 1 };
    await sender.sendMessages({
      body: "x",
      subject: "größer → 日本",
      contentType: "text/→",
      applicationProperties,
    });
    const { status, headers, text } = await ask("DELETE", "orders/messages/head?timeout=5");
    expect([status, headers.get("kept")]).toEqual([200, "1"]);
    expect(text).toContain("x");
    expect(JSON.parse(headers.get("brokerproperties") ?? "")).toMatchObject({ Label: "größer → 日本" });
  });

  it("a message is sent with its properties, as if it had come by AMQP", async () => {
    const sent = await ask("POST", "orders/messages?timeout=60", {
      body: '{"n":1}',
      headers: {
        "content-type": "application/json",
        brokerproperties: JSON.stringify({
          Label: "new",
          MessageId: "m1",
          TimeToLive: 30,
          CorrelationId: "c",
        }),
        Priority: '"High"',
        Count: "12",
        Paid: "true",
        When: '"Fri, 07 Aug 2015 05:29:00 GMT"',
      },
    });
    expect(sent.status).toBe(201);
    expect(bus.journal.accepted("orders")).toMatchObject([{ linkName: "$http", messageIds: ["m1"] }]);
    const client = officialClient(bus);
    const [message] = await client.createReceiver("orders").receiveMessages(1);
    expect(message).toMatchObject({
      body: { n: 1 },
      messageId: "m1",
      subject: "new",
      correlationId: "c",
      contentType: "application/json",
      timeToLive: 30_000,
      applicationProperties: { Priority: "High", Count: 12, Paid: true },
    });
    expect(message!.applicationProperties!["When"]).toBe(Date.UTC(2015, 7, 7, 5, 29));
    await client.close();
  });

  it("a batch is sent as JSON", async () => {
    const body = JSON.stringify([
      { Body: "first", BrokerProperties: { Label: "a" }, UserProperties: { n: 1 } },
      { Body: "second", BrokerProperties: { Label: "b" } },
    ]);
    const sent = await ask("POST", "events/messages", {
      body,
      headers: { "content-type": "application/vnd.microsoft.servicebus.json" },
    });
    expect(sent.status).toBe(201);
    expect(bus.journal.stored("events/Subscriptions/all")).toMatchObject([
      { subject: "a" },
      { subject: "b" },
    ]);
  });

  it("a message is locked, its lock renewed and given up, and at last it is completed", async () => {
    await ask("POST", "orders/messages", { body: "hello", headers: { Colour: '"red"' } });
    const locked = await ask("POST", "orders/messages/head?timeout=5");
    expect(locked).toMatchObject({ status: 201, text: "hello" });
    expect(locked.headers.get("colour")).toBe('"red"');
    const properties = JSON.parse(locked.headers.get("brokerproperties") ?? "") as Record<string, unknown>;
    expect(properties).toMatchObject({
      DeliveryCount: 1,
      EnqueuedSequenceNumber: 0,
      SequenceNumber: 1,
      State: "Active",
    });
    const location = locked.headers.get("location") ?? "";
    expect(location).toContain(`/orders/messages/1/${String(properties["LockToken"])}`);
    expect((await ask("POST", location)).status).toBe(200);
    expect((await ask("PUT", location)).status).toBe(200);
    expect((await ask("DELETE", location)).status).toBe(404);
    const again = await ask("POST", "orders/messages/head");
    expect(again.headers.get("brokerproperties")).toContain('"DeliveryCount":2');
    expect((await ask("DELETE", again.headers.get("location") ?? "")).status).toBe(200);
    expect(bus.journal.settled("orders")).toMatchObject([
      { disposition: "abandoned", via: "http" },
      { disposition: "completed", via: "http" },
    ]);
  });

  it("a message is received and deleted, also of a subscription and of dead letters; 204 when none comes", async () => {
    const client = officialClient(bus);
    await client.createSender("events").sendMessages({ body: "text" });
    expect(await ask("DELETE", "events/subscriptions/all/messages/head")).toMatchObject({
      status: 200,
      text: '"text"',
    });
    expect((await ask("DELETE", "orders/$DeadLetterQueue/messages/head?timeout=0")).status).toBe(204);
    await client.close();
  });

  it("a receiver waits for a message to come", async () => {
    const waiting = ask("DELETE", "orders/messages/head?timeout=10");
    await ask("POST", "orders/messages", { body: "late" });
    expect(await waiting).toMatchObject({ status: 200, text: "late" });
  });

  it("what cannot be is refused: no such entity, no right, sessions, no lock", async () => {
    expect(await ask("POST", "nothing/messages", { body: "x" })).toMatchObject({
      status: 404,
      text: expect.stringContaining("40400: Endpoint not found") as string,
    });
    expect(
      (await ask("POST", "orders/messages", { body: "x", token: "SharedAccessSignature sr=x" })).status,
    ).toBe(401);
    expect((await ask("POST", "sessions/messages", { body: "x" })).status).toBe(400);
    expect((await ask("POST", "sessions/messages/head")).status).toBe(400);
    expect((await ask("POST", "orders/messages", { body: "x".repeat(300_000) })).status).toBe(403);
    expect(bus.journal.stored("orders")).toHaveLength(0);
  });
});
