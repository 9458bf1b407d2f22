import { expect, it } from "vitest";
import selfsigned from "selfsigned";
import { Agent } from "node:https";
import { createHash, X509Certificate } from "node:crypto";
import { Message, ModuleClient } from "azure-iot-device";
import { Amqp, AmqpWs } from "azure-iot-device-amqp";
import { Http } from "azure-iot-device-http";
import { Mqtt, MqttWs } from "azure-iot-device-mqtt";
import { deviceClient, nextMessage, outcome, until } from "./support/device.ts";
import { scope } from "./support/scope.ts";

const opened = scope();

it.each([
  ["MQTT", MqttWs, "mqtt-ws", "mqtt"],
  ["AMQP", AmqpWs, "amqp-ws", "amqp"],
] as const)("speaks %s over WebSocket, both ways", async (_name, transport, protocol, option) => {
  const hub = await opened.hub();
  // The official clients ask for port 443, whatever the host name says: the agent leads them here.
  const client = await deviceClient(hub, "d1", transport, { [option]: { webSocketAgent: hub.agent() } });
  opened.add(client);
  await client.open();
  await client.sendEvent(new Message("one"));
  expect(hub.journal.telemetry("d1")).toMatchObject([{ protocol }]);
  const arrived = nextMessage(client);
  await until(() => hub.journal.subscriptions("d1").some(({ topic }) => topic.includes("devicebound")));
  hub.device("d1").send({ body: "two" });
  expect((await arrived).getBytes().toString()).toBe("two");
});

it.each([
  ["MQTT", Mqtt],
  ["AMQP", Amqp],
  ["HTTPS", Http],
] as const)(
  "lets a device in by the thumbprint of its certificate over %s, and no other",
  async (name, transport) => {
    const certificate = async (): Promise<{ cert: string; key: string; thumbprint: string }> => {
      const made = await selfsigned.generate([{ name: "commonName", value: "d2" }], { keyType: "ec" });
      const { raw } = new X509Certificate(made.cert);
      return { cert: made.cert, key: made.private, thumbprint: createHash("sha1").update(raw).digest("hex") };
    };
    const [known, stranger] = [await certificate(), await certificate()];
    const hub = await opened.hub({ devices: [{ deviceId: "d2", primaryThumbprint: known.thumbprint }] });
    const connect = async ({ cert, key }: typeof known): Promise<unknown> => {
      const agent = new Agent({
        host: "127.0.0.1",
        port: hub.httpsPort,
        ca: hub.ca,
        servername: "localhost",
        cert,
        key,
      });
      const http = name === "HTTPS" ? { http: { agent, receivePolicy: { interval: 60 } } } : {};
      const client = await deviceClient(hub, "d2", transport, { cert, key, ...http });
      opened.add(client);
      return outcome(client.sendEvent(new Message("hello")));
    };
    expect(await connect(stranger)).toMatchObject({ name: "UnauthorizedError" });
    expect(await connect(known)).not.toBeInstanceOf(Error);
    expect(hub.journal.telemetry("d2")).toHaveLength(1);
  },
);

it("lets a module in over MQTT, and takes what it sends to an output", async () => {
  const hub = await opened.hub({ devices: [{ deviceId: "d1", moduleId: "camera" }] });
  const client = ModuleClient.fromConnectionString(hub.deviceConnectionString("d1", "camera"), Mqtt);
  opened.add(client);
  await client.setOptions({ ca: hub.ca });
  await client.open();
  await client.sendOutputEvent("frames", new Message("jpeg"));
  expect(hub.journal.telemetry("d1/camera")).toMatchObject([
    { deviceId: "d1", moduleId: "camera", outputName: "frames" },
  ]);
  client.onMethod("snap", (_request, response) => {
    response!.send(200, "ok", () => undefined);
  });
  await until(() => hub.device("d1", "camera").takesMethods);
  expect(await hub.device("d1", "camera").invoke("snap")).toEqual({ status: 200, payload: "ok" });
});
