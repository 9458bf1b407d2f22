import { createHmac } from "node:crypto";
import { once } from "node:events";
import rhea, { type Connection, type EventContext, type Receiver } from "rhea";
import { Message } from "azure-iot-device";
import { expect, it } from "vitest";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { deviceClient, until } from "./support/device.ts";
import { scope } from "./support/scope.ts";

const opened = scope();

interface Received {
  readonly sequence: number;
  readonly body: string;
  readonly message: EventContext["message"];
}

/** An AMQP client that reads events as Event Hubs clients do, made of rhea alone. */
class Consumer {
  readonly connection: Connection;
  readonly #hub: IotHubSimulator;

  constructor(hub: IotHubSimulator, connection: Connection) {
    this.#hub = hub;
    this.connection = connection;
  }

  /** Asks a node by a pair of links, and gives the answer's properties and body. */
  async ask(
    node: string,
    properties: Record<string, unknown>,
    body: unknown = "",
  ): Promise<{ status: unknown; body: unknown }> {
    const replies = this.connection.open_receiver({ source: node, target: `${node}-replies` });
    const requests = this.connection.open_sender(node);
    await once(requests, "sendable");
    const answered = once(replies, "message") as Promise<[EventContext]>;
    requests.send({
      message_id: "1",
      to: node,
      reply_to: `${node}-replies`,
      application_properties: properties as never,
      body,
    });
    const [{ message }] = await answered;
    expect(message?.correlation_id).toBe("1");
    return { status: message?.application_properties?.["status-code"], body: message?.body };
  }

  /** The token of the connection string, as Event Hubs clients sign it: with the key as it is written. */
  async logIn(change = ""): Promise<unknown> {
    const text = this.#hub.eventHubConnectionString();
    const [, policy, key, name] =
      /SharedAccessKeyName=(\w+);SharedAccessKey=([^;]+);EntityPath=(\w+)/.exec(text) ?? [];
    const audience = `sb://localhost/${name ?? ""}/ConsumerGroups/$Default/Partitions/0`;
    const resource = encodeURIComponent(audience);
    const expiry = String(Math.floor(Date.now() / 1_000) + 600);
    const signature = createHmac("sha256", (key ?? "") + change)
      .update(`${resource}\n${expiry}`)
      .digest("base64");
    const token = `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${policy ?? ""}`;
    const put = { operation: "put-token", type: "servicebus.windows.net:sastoken", name: audience };
    return (await this.ask("$cbs", put, token)).status;
  }

  read(
    partition: string,
    { from, epoch }: { from?: string; epoch?: number } = {},
  ): { events: Received[]; receiver: Receiver } {
    const events: Received[] = [];
    const receiver = this.connection.open_receiver({
      source: {
        address: `simulated/ConsumerGroups/$Default/Partitions/${partition}`,
        ...(from === undefined ? {} : { filter: rhea.filter.selector(from) as never }),
      },
      ...(epoch === undefined ? {} : { properties: { "com.microsoft:epoch": rhea.types.wrap_long(epoch) } }),
      credit_window: 10,
    });
    receiver.on("receiver_error", () => undefined);
    receiver.on("message", ({ message }: EventContext) => {
      const annotations = message?.message_annotations as Record<string, unknown> | undefined;
      const body = message?.body as { content: Buffer };
      events.push({
        sequence: Number(annotations?.["x-opt-sequence-number"]),
        body: body.content.toString(),
        message,
      });
    });
    return { events, receiver };
  }

  close(): void {
    this.connection.close();
  }
}

// A filter of rhea's own has another name than the one that Event Hubs knows.
rhea.filter.selector = (text: string) => ({
  "apache.org:selector-filter:string": rhea.types.wrap_described(text, "apache.org:selector-filter:string"),
});

async function consumer(hub: IotHubSimulator): Promise<Consumer> {
  const container = rhea.create_container();
  const connection = container.connect({
    port: hub.amqpPort,
    host: "localhost",
    transport: "tls",
    ca: hub.ca,
    reconnect: false,
  });
  connection.on("disconnected", () => undefined);
  await once(connection, "connection_open");
  return opened.add(new Consumer(hub, connection));
}

async function hubWithEvents(...bodies: readonly string[]): Promise<IotHubSimulator> {
  const hub = await opened.hub({ eventHub: { partitions: 1 } });
  const device = opened.add(await deviceClient(hub, "d1"));
  for (const body of bodies) {
    const message = new Message(body);
    message.messageId = `id of ${body}`;
    message.properties.add("color", "red");
    await device.sendEvent(message);
  }
  return hub;
}

it("gives what devices send to whoever reads the built-in endpoint, old and new", async () => {
  const hub = await hubWithEvents("one", "two");
  const client = await consumer(hub);
  expect(await client.logIn()).toBe(200);
  const { events } = client.read("0", { from: "amqp.annotation.x-opt-offset > '-1'" });
  await until(() => events.length === 2);
  const device = opened.add(await deviceClient(hub, "d1"));
  await device.sendEvent(new Message("three"));
  await until(() => events.length === 3);
  expect(events.map(({ sequence, body }) => [sequence, body])).toEqual([
    [0, "one"],
    [1, "two"],
    [2, "three"],
  ]);
  expect(events[0]?.message).toMatchObject({
    message_id: "id of one",
    to: "/devices/d1/messages/events",
    application_properties: { color: "red" },
    message_annotations: {
      "x-opt-offset": "0",
      "iothub-connection-device-id": "d1",
      "iothub-message-source": "Telemetry",
    },
  });
});

it.each([
  ["amqp.annotation.x-opt-sequence-number > '0'", ["two", "three"]],
  ["amqp.annotation.x-opt-sequence-number >= '2'", ["three"]],
  ["amqp.annotation.x-opt-enqueued-time > '1'", ["one", "two", "three"]],
  [undefined, ["one", "two", "three"]],
])("begins to read at %s", async (from, expected) => {
  const client = await consumer(await hubWithEvents("one", "two", "three"));
  await client.logIn();
  const { events } = client.read("0", from === undefined ? {} : { from });
  await until(() => events.length === expected.length);
  expect(events.map(({ body }) => body)).toEqual(expected);
});

it("reads only what comes from now on at @latest", async () => {
  const hub = await hubWithEvents("one");
  const client = await consumer(hub);
  await client.logIn();
  const { events, receiver } = client.read("0", { from: "amqp.annotation.x-opt-offset > '@latest'" });
  await once(receiver, "receiver_open");
  const device = opened.add(await deviceClient(hub, "d1"));
  await device.sendEvent(new Message("two"));
  await until(() => events.length === 1);
  expect(events[0]?.body).toBe("two");
});

it("describes the event hub and its partitions", async () => {
  const client = await consumer(await hubWithEvents("one"));
  await client.logIn();
  const read = { operation: "READ", name: "simulated" };
  expect(await client.ask("$management", { ...read, type: "com.microsoft:eventhub" })).toMatchObject({
    status: 200,
    body: { name: "simulated", partition_ids: ["0"], partition_count: 1 },
  });
  const partition = { ...read, type: "com.microsoft:partition", partition: "0" };
  expect(await client.ask("$management", partition)).toMatchObject({
    status: 200,
    body: { begin_sequence_number: 0, last_enqueued_sequence_number: 0, is_partition_empty: false },
  });
});

it("ends the reader of a partition when one with a higher epoch comes", async () => {
  const client = await consumer(await hubWithEvents("one"));
  await client.logIn();
  const first = client.read("0", { epoch: 1 });
  await until(() => first.events.length === 1);
  const stolen = once(first.receiver, "receiver_error");
  const second = client.read("0", { epoch: 2 });
  await stolen;
  expect(first.receiver.error).toMatchObject({ condition: "amqp:link:stolen" });
  await until(() => second.events.length === 1);
});

it("lets nobody read without a good token, and from no partition that is none", async () => {
  const hub = await hubWithEvents("one");
  const client = await consumer(hub);
  expect(await client.logIn("wrong")).toBe(401);
  const refused = client.read("0");
  await once(refused.receiver, "receiver_error");
  expect(refused.receiver.error).toMatchObject({ condition: "amqp:unauthorized-access" });
  await client.logIn();
  const nowhere = client.read("7");
  await once(nowhere.receiver, "receiver_error");
  expect(nowhere.receiver.error).toMatchObject({ condition: "com.microsoft:argument-error" });
});

it("writes every field of what it answers: some clients look for them by their place from the end", async () => {
  const client = await consumer(await hubWithEvents("one"));
  await client.logIn();
  const { receiver } = client.read("0");
  await once(receiver, "receiver_open");
  const { attach } = (receiver as unknown as { remote: { attach: { value: unknown[] } } }).remote;
  expect(attach.value).toHaveLength(14);
});
