import iot from "azure-iot-device";
import { Amqp, AmqpWs } from "azure-iot-device-amqp";
import { Http } from "azure-iot-device-http";
import { Mqtt, MqttWs } from "azure-iot-device-mqtt";
import { describe, expect, it } from "vitest";
import { iotPolicies } from "@holdfast/iot-device";
import { ignore, refuse, refuseConnection } from "@holdfast/simulators/iot-hub";
import { timed } from "../own-time/own-time.ts";
import { bodies, connects, twoDevices, until } from "./iot-scene.ts";

const { Message } = iot;
const impatient = iotPolicies({ "iot.send": { attemptTimeoutMs: 700 } });

describe.each([
  ["MQTT", Mqtt],
  ["MQTT over WebSockets", MqttWs],
  ["AMQP", Amqp],
  ["AMQP over WebSockets", AmqpWs],
])("M-25 over %s", (_name, Transport) => {
  it.each(["reset", "fin"] as const)(
    "IOT-20 an idle device is back within 5 s of a %s, with messages, methods and desired properties",
    async (how) => {
      await using it = await twoDevices({}, {}, Transport);
      const { hub, client } = it;
      const device = hub.device("ours");
      const received: string[] = [];
      const desired: unknown[] = [];
      client.on("message", (message) => {
        received.push(String(message.data));
        void client.complete(message);
      });
      client.onDeviceMethod("ask", (_request, response) => void response.send(200, { fine: true }));
      await client.open();
      const twin = await client.getTwin();
      twin.on("properties.desired", (patch) => desired.push(patch));
      await until(() => device.takesDesired && device.takesMethods);
      const before = connects(hub, "ours");
      hub.forgetSessions();
      device.drop({ how });
      expect((await timed(until(() => connects(hub, "ours") > before))).ownMs).toBeLessThan(5_000);
      await until(() => device.takesDesired && device.takesMethods);
      device.send({ body: "hello" });
      device.updateDesired({ colour: "red" });
      await until(() => received.includes("hello") && JSON.stringify(desired).includes("red"));
      expect(await device.invoke("ask")).toMatchObject({ status: 200, payload: { fine: true } });
    },
  );
});

it("M-25 IOT-32 IOT-34 a hub that is unavailable for three connections is connected to at the fourth (MQTT)", async () => {
  await using it = await twoDevices();
  it.hub.faults.next("connack", refuseConnection(3), { times: 3 });
  await it.client.sendEvent(new Message("here"));
  expect(bodies(it.hub, "ours")).toEqual(["here"]);
  expect(connects(it.hub, "ours")).toBe(1);
});

it("M-25 IOT-21 a message whose acknowledgement does not come is sent again on a new connection (MQTT)", async () => {
  await using it = await twoDevices({ policies: impatient });
  it.hub.faults.next("send", ignore(), { times: 2 });
  await it.client.sendEvent(new Message("here"));
  expect(bodies(it.hub, "ours")).toEqual(["here"]);
  const ids = it.hub.journal.attempts("ours").map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(1);
  expect(connects(it.hub, "ours")).toBeGreaterThan(1);
});

describe.each([
  ["AMQP", Amqp],
  ["HTTPS", Http],
])("M-25 over %s", (_name, Transport) => {
  it.each([
    ["IOT-32", "serverError"],
    ["IOT-33", "genericTimeout"],
    ["IOT-34", "unavailable"],
  ] as const)("%s three answers of %s, then the message is taken", async (_row, error) => {
    await using it = await twoDevices({}, {}, Transport);
    it.hub.faults.next("send", refuse(error), { times: 3 });
    await it.client.sendEvent(new Message("here"));
    expect(bodies(it.hub, "ours")).toEqual(["here"]);
    expect(it.hub.journal.attempts("ours")).toHaveLength(4);
  });
});

it("M-25 IOT-04 an expired token is renewed at once; an unknown device is given up after one more try", async () => {
  await using it = await twoDevices();
  it.hub.faults.next("connack", refuseConnection(5), { entity: "ours" });
  await it.client.open();
  expect(it.hub.journal.connections("ours")).toHaveLength(2);
  it.hub.unregister("ours");
  const gone = it.client.sendEvent(new Message("nobody"));
  await expect(gone).rejects.toMatchObject({ name: "UnauthorizedError" });
  expect(it.hub.journal.connections("ours").length).toBeLessThanOrEqual(4);
});

it("M-25 IOT-46 a disabled device is back by itself, after a while, when it is enabled", async () => {
  await using it = await twoDevices({ slowRetryMs: 1_000 });
  const device = it.hub.device("ours");
  await it.client.open();
  device.disable();
  await until(() => it.events.some(({ type }) => type === "give-up"));
  device.enable();
  await until(() => device.isConnected);
});
