import { connect, type TLSSocket } from "node:tls";
import { expect, it } from "vitest";
import mqttPacket, {
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type ISubackPacket,
  type Packet,
} from "mqtt-packet";
import { delayAcknowledgement, malformed, type IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { until } from "./support/device.ts";
import { registryClient } from "./support/service.ts";
import { deviceToken } from "./support/token.ts";
import { scope } from "./support/scope.ts";

const opened = scope();

/** A client that knows MQTT and nothing of IoT Hub. */
class RawClient {
  readonly received: Packet[] = [];
  isClosed = false;
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on("packet", (packet) => this.received.push(packet));
    socket.on("data", (bytes) => parser.parse(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  send(packet: Packet): void {
    this.#socket.write(mqttPacket.generate(packet));
  }

  async next<P extends Packet>(cmd: P["cmd"]): Promise<P> {
    await until(() => this.received.some((packet) => packet.cmd === cmd), cmd);
    const index = this.received.findIndex((packet) => packet.cmd === cmd);
    return this.received.splice(index, 1)[0] as P;
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function raw(hub: IotHubSimulator): Promise<RawClient> {
  const socket = connect({ port: hub.port, host: "127.0.0.1", ca: hub.ca, servername: "localhost" });
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  return opened.add(new RawClient(socket));
}

function connectPacket(hub: IotHubSimulator, change: Partial<IConnectPacket> = {}): IConnectPacket {
  return {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: false,
    keepalive: 60,
    clientId: "d1",
    username: `${hub.hostName}/d1/?api-version=2021-04-12`,
    password: Buffer.from(deviceToken(hub, "d1")),
    ...change,
  };
}

async function loggedIn(hub: IotHubSimulator, change: Partial<IConnectPacket> = {}): Promise<RawClient> {
  const client = await raw(hub);
  client.send(connectPacket(hub, change));
  expect(await client.next<IConnackPacket>("connack")).toMatchObject({ returnCode: 0 });
  return client;
}

const publish = (topic: string, qos: 0 | 1 | 2 = 1): Packet => ({
  cmd: "publish",
  topic,
  qos,
  messageId: 7,
  payload: "x",
  dup: false,
  retain: false,
});

it.each([
  ["publishes with quality of service 2", publish("devices/d1/messages/events/", 2)],
  ["publishes for another device", publish("devices/d2/messages/events/")],
  ["publishes to a topic that the hub does not know", publish("weather/today")],
  ["connects twice", undefined],
])("closes the connection of a client that %s", async (_what, packet) => {
  const hub = await opened.hub();
  const client = await loggedIn(hub);
  client.send(packet ?? connectPacket(hub));
  await until(() => client.isClosed);
  expect(hub.journal.telemetry()).toHaveLength(0);
});

it("closes the connection of a client that does not begin with CONNECT", async () => {
  const hub = await opened.hub();
  const client = await raw(hub);
  client.send({ cmd: "pingreq" });
  await until(() => client.isClosed);
});

it.each([
  ["without a password", { password: Buffer.alloc(0) }, 5],
  ["with a user name of another hub", { username: "other.azure-devices.net/d1/?api-version=2021-04-12" }, 4],
  [
    "with a user name of another device",
    { username: "simulated.azure-devices.net/d2/?api-version=2021-04-12" },
    4,
  ],
])("refuses a CONNECT %s", async (_what, change, returnCode) => {
  const hub = await opened.hub();
  const client = await raw(hub);
  client.send(connectPacket(hub, change));
  expect(await client.next<IConnackPacket>("connack")).toMatchObject({ returnCode });
  await until(() => client.isClosed);
});

it("refuses the sixth subscription, and a filter that it does not know", async () => {
  const hub = await opened.hub({ maxSubscriptions: 2 });
  const client = await loggedIn(hub);
  const topics = [
    "$iothub/twin/res/#",
    "$iothub/methods/POST/#",
    "devices/d1/messages/devicebound/#",
    "weather/#",
  ];
  client.send({ cmd: "subscribe", messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 2 })) });
  expect((await client.next<ISubackPacket>("suback")).granted).toEqual([1, 1, 128, 128]);
});

it("keeps a session for a client that asks for it, and drops it for one that does not", async () => {
  const hub = await opened.hub();
  const subscription = { topic: "devices/d1/messages/devicebound/#", qos: 1 as const };
  const first = await loggedIn(hub);
  first.send({ cmd: "subscribe", messageId: 1, subscriptions: [subscription] });
  await first.next("suback");
  hub.device("d1").send({ body: "kept", properties: { "a b": "c/d" } });
  const once = await first.next("publish");
  first.close();
  await until(() => !hub.device("d1").isConnected);
  // Not acknowledged: it comes again, and says so.
  const second = await loggedIn(hub);
  const again = await second.next("publish");
  expect(once).toMatchObject({ dup: false, qos: 1 });
  expect(again).toMatchObject({ dup: true, qos: 1 });
  expect((again as { topic: string }).topic).toContain("a%20b=c%2Fd");
  second.send({ cmd: "puback", messageId: again.messageId ?? 0 });
  await until(() => hub.device("d1").queueDepth === 0);
  const clean = await loggedIn(hub, { clean: true });
  hub.device("d1").send({ body: "for later" });
  clean.send({ cmd: "pingreq" });
  await clean.next("pingresp");
  expect(clean.received).toEqual([]);
  await loggedIn(hub);
  expect(hub.journal.connections("d1").map(({ sessionPresent }) => sessionPresent)).toEqual([
    false,
    true,
    false,
    false,
  ]);
});

it("gives no message to a client that has unsubscribed", async () => {
  const hub = await opened.hub();
  const topic = "devices/d1/messages/devicebound/#";
  const client = await loggedIn(hub);
  client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1 }] });
  await client.next("suback");
  client.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: [topic] });
  await client.next("unsuback");
  hub.device("d1").send({ body: "unheard" });
  client.send({ cmd: "pingreq" });
  await client.next("pingresp");
  expect(client.received).toEqual([]);
  expect(hub.device("d1").queueDepth).toBe(1);
});

it("answers a twin request with an empty body, garbage, or without its request id", async () => {
  const hub = await opened.hub();
  const client = await loggedIn(hub);
  client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "$iothub/twin/res/#", qos: 0 }] });
  await client.next("suback");
  const ask = async (): Promise<{ topic: string; text: string }> => {
    client.send(publish("$iothub/twin/GET/?$rid=r1", 0));
    const { topic, payload } = await client.next<IPublishPacket>("publish");
    return { topic, text: payload.toString() };
  };
  hub.faults.next("twin-get", malformed("empty", { status: 429 }));
  hub.faults.next("twin-get", malformed("garbage", { status: 500 }));
  hub.faults.next("twin-get", malformed("topic"));
  expect(await ask()).toEqual({ topic: "$iothub/twin/res/429/?$rid=r1", text: "" });
  expect(await ask()).toEqual({
    topic: "$iothub/twin/res/500/?$rid=r1",
    text: "<html>502 Bad Gateway</html>",
  });
  expect((await ask()).topic).toBe("$iothub/twin/res/200/?$rid=");
  const { topic, text } = await ask();
  expect(topic).toBe("$iothub/twin/res/200/?$rid=r1");
  expect(JSON.parse(text)).toEqual({ desired: { $version: 1 }, reported: { $version: 1 } });
});

it("sends method calls and desired properties that cannot be understood, or late", async () => {
  const hub = await opened.hub();
  const client = await loggedIn(hub);
  const topics = ["$iothub/methods/POST/#", "$iothub/twin/PATCH/properties/desired/#"];
  client.send({ cmd: "subscribe", messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) });
  await client.next("suback");
  const next = async (): Promise<[string, string]> => {
    const { topic, payload } = await client.next<IPublishPacket>("publish");
    return [topic, payload.toString()];
  };
  const device = hub.device("d1");
  hub.faults.next("method", malformed("topic"));
  hub.faults.next("method", malformed("garbage"));
  void device.invoke("m", { a: 1 }, { responseTimeoutMs: 50 }).catch(() => undefined);
  expect(await next()).toEqual(["$iothub/methods/POST/m/", '{"a":1}']);
  void device.invoke("m", { a: 1 }, { responseTimeoutMs: 50 }).catch(() => undefined);
  expect((await next())[1]).toBe("not JSON");
  hub.faults.next("desired", malformed("garbage"));
  hub.faults.next("desired", delayAcknowledgement(50));
  device.updateDesired({ a: 1 });
  expect(await next()).toEqual(["$iothub/twin/PATCH/properties/desired/?$version=2", "not JSON"]);
  const begun = performance.now();
  device.updateDesired({ a: 2 });
  expect(await next()).toEqual(["$iothub/twin/PATCH/properties/desired/?$version=3", '{"a":2,"$version":3}']);
  expect(performance.now() - begun).toBeGreaterThan(45);
});

it("learns a device's model from its user name", async () => {
  const hub = await opened.hub();
  await loggedIn(hub, { username: `${hub.hostName}/d1/?api-version=2021-04-12&model-id=dtmi:com:x;1` });
  const { responseBody } = await registryClient(hub).getTwin("d1");
  expect(responseBody).toMatchObject({ deviceId: "d1", modelId: "dtmi:com:x;1" });
});
