import { expect, it } from "vitest";
import { Message, type Client } from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { Mqtt } from "azure-iot-device-mqtt";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { deviceClient, outcome, until } from "./support/device.ts";
import { scope } from "./support/scope.ts";

const opened = scope();

async function connected(hub: IotHubSimulator, transport: unknown): Promise<Client> {
  const client = opened.add(await deviceClient(hub, "d1", transport));
  await client.open();
  return client;
}

function asking(operation: string, { delay = 0, duration = 0, reason = "byebye" } = {}): Message {
  const message = new Message("fault");
  message.properties.add("AzIoTHub_FaultOperationType", operation);
  message.properties.add("AzIoTHub_FaultOperationCloseReason", reason);
  message.properties.add("AzIoTHub_FaultOperationDelayInSecs", String(delay));
  message.properties.add("AzIoTHub_FaultOperationDurationInSecs", String(duration));
  return message;
}

it.each([
  [Mqtt, "KillTcp"],
  [Mqtt, "ShutDownMqtt"],
  [Amqp, "KillTcp"],
  [Amqp, "KillAmqpConnection"],
  [Amqp, "ShutDownAmqp"],
] as const)("ends the connection of a device that asks for it: %o %s", async (transport, operation) => {
  const hub = await opened.hub();
  const client = await connected(hub, transport);
  // Acknowledged or not: the fault may come first.
  void outcome(client.sendEvent(asking(operation)));
  await until(() => hub.journal.connections("d1")[0]?.closedAt !== undefined);
  expect(hub.journal.connections("d1")[0]?.closedBecause).toBe("byebye");
  expect(hub.journal.faults()).toMatchObject([{ step: "fault-injection", kind: operation, device: "d1" }]);
  expect(hub.journal.telemetry("d1")).toHaveLength(1);
});

it.each([
  ["KillAmqpSession", "devices/d1/messages/events"],
  ["KillAmqpCBSLinkReq", "$cbs"],
  ["KillAmqpCBSLinkResp", "$cbs"],
  ["KillAmqpD2CLink", "devices/d1/messages/events"],
  ["KillAmqpC2DLink", "devices/d1/messages/devicebound"],
  ["KillAmqpTwinLinkReq", "devices/d1/twin"],
  ["KillAmqpTwinLinkResp", "devices/d1/twin"],
  ["KillAmqpMethodReqLink", "devices/d1/methods/devicebound"],
  ["KillAmqpMethodRespLink", "devices/d1/methods/devicebound"],
])("detaches the links that %s names", async (operation, address) => {
  const hub = await opened.hub();
  const client = await connected(hub, Amqp);
  client.on("message", () => undefined);
  client.onDeviceMethod("m", () => undefined);
  await client.getTwin();
  await until(() => hub.device("d1").takesMethods);
  await until(() =>
    hub.journal.subscriptions("d1").some(({ topic }) => topic.endsWith("messages/devicebound")),
  );
  void outcome(client.sendEvent(asking(operation)));
  const ended = (): string[] =>
    hub.journal
      .subscriptions()
      .filter(({ outcome: how, condition }) => how === "ended" && condition !== undefined)
      .map(({ topic }) => topic);
  await until(() => ended().length > 0);
  expect(ended()).toContain(address);
});

it("waits before the fault, and meets the device again until it is over", async () => {
  const hub = await opened.hub();
  const client = await connected(hub, Mqtt);
  const begun = performance.now();
  await client.sendEvent(asking("KillTcp", { delay: 1, duration: 3 }));
  await until(() => hub.journal.connections("d1")[0]?.closedAt !== undefined);
  expect(performance.now() - begun).toBeGreaterThan(950);
  const early = opened.add(await deviceClient(hub, "d1"));
  expect(await outcome(early.open())).toBeInstanceOf(Error);
  await new Promise((resolve) => setTimeout(resolve, 3_100));
  await connected(hub, Mqtt);
});

it.each([
  ["InvokeThrottling", "ThrottlingError"],
  ["InvokeMaxMessageQuota", "IotHubQuotaExceededError"],
  ["InvokeAuthError", "UnauthorizedError"],
])("refuses messages for a while when asked to with %s", async (operation, name) => {
  const hub = await opened.hub();
  const client = await connected(hub, Amqp);
  await client.sendEvent(asking(operation, { duration: 60 }));
  await until(() => hub.journal.faults().length === 1);
  expect(await outcome(client.sendEvent(new Message("x")))).toMatchObject({ name });
});
