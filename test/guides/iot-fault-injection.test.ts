import iot from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { Mqtt } from "azure-iot-device-mqtt";
import { expect, it } from "vitest";
import { bodies, twoDevices, until } from "./iot-scene.ts";

// IoT Hub breaks what a device asks it to break, by properties of a message. Whatever it is, everything works afterwards.

const { Message } = iot;
const transports = { MQTT: Mqtt, AMQP: Amqp };

it.each([
  ["KillTcp", "MQTT"],
  ["ShutDownMqtt", "MQTT"],
  ["KillTcp", "AMQP"],
  ["KillAmqpConnection", "AMQP"],
  ["ShutDownAmqp", "AMQP"],
  ["KillAmqpSession", "AMQP"],
  ["KillAmqpCBSLinkReq", "AMQP"],
  ["KillAmqpCBSLinkResp", "AMQP"],
  ["KillAmqpD2CLink", "AMQP"],
  ["KillAmqpC2DLink", "AMQP"],
  ["KillAmqpTwinLinkReq", "AMQP"],
  ["KillAmqpTwinLinkResp", "AMQP"],
  ["KillAmqpMethodReqLink", "AMQP"],
  ["KillAmqpMethodRespLink", "AMQP"],
] as const)(
  "M-25 IOT-20 after %s over %s messages, methods and desired properties come again, and sends are taken",
  async (operation, name) => {
    const Transport = transports[name];
    await using it = await twoDevices({}, {}, Transport);
    const { hub, client } = it;
    const device = hub.device("ours");
    const received: string[] = [];
    const desired: unknown[] = [];
    client.on("message", (message) => {
      received.push(String(message.data));
      // What was delivered on a link that is gone cannot be settled any more; it comes again.
      client.complete(message).catch(() => undefined);
    });
    client.onDeviceMethod("ask", (_request, response) => void response.send(200, { fine: true }));
    await client.open();
    const twin = await client.getTwin();
    twin.on("properties.desired", (patch) => desired.push(patch));
    await until(() => device.takesDesired && device.takesMethods);
    const fault = new Message("fault");
    fault.properties.add("AzIoTHub_FaultOperationType", operation);
    fault.properties.add("AzIoTHub_FaultOperationCloseReason", "byebye");
    fault.properties.add("AzIoTHub_FaultOperationDelayInSecs", "0");
    fault.properties.add("AzIoTHub_FaultOperationDurationInSecs", "0");
    await client.sendEvent(fault);
    await until(() => hub.journal.faults().length > 0);
    device.send({ body: "hello" });
    device.updateDesired({ colour: "red" });
    await client.sendEvent(new Message("after"));
    await until(() => received.includes("hello") && JSON.stringify(desired).includes("red"), 15_000);
    await until(() => device.takesMethods, 15_000);
    expect(await device.invoke("ask", null, { connectTimeoutMs: 5_000 })).toMatchObject({ status: 200 });
    expect(bodies(hub, "ours")).toContain("after");
    await new Promise<void>((resolve, reject) => {
      twin.properties.reported["update"]({ battery: 80 }, (error: Error | null) => {
        if (error) reject(error);
        else resolve();
      });
    });
    expect(device.reported).toMatchObject({ battery: 80 });
  },
  60_000,
);
