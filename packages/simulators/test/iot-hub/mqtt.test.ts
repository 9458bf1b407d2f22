import { expect, it } from "vitest";
import { Client, Message, type Twin } from "azure-iot-device";
import { NoRetry, SharedAccessSignature } from "azure-iot-common";
import { Mqtt } from "azure-iot-device-mqtt";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { deviceClient, nextMessage, outcome, until, type DeviceClient } from "./support/device.ts";
import { scope } from "./support/scope.ts";

interface Reported {
  update(patch: object, done: (error: Error | null | undefined) => void): void;
}

const opened = scope();

async function connected(hub: IotHubSimulator, deviceId = "d1"): Promise<DeviceClient> {
  const client = await deviceClient(hub, deviceId);
  opened.add(client);
  await client.open();
  return client;
}

it("takes a message with its properties, and says who sent it and when", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const message = new Message(JSON.stringify({ celsius: 21.5 }));
  message.messageId = "m 1";
  message.correlationId = "c/1";
  message.contentType = "application/json";
  message.contentEncoding = "utf-8";
  message.properties.add("colour & shape", "r/d=ü");
  const before = Date.now();
  await client.sendEvent(message);
  const [seen] = hub.journal.telemetry("d1");
  expect(seen).toMatchObject({
    deviceId: "d1",
    protocol: "mqtt",
    messageId: "m 1",
    correlationId: "c/1",
    contentType: "application/json",
    contentEncoding: "utf-8",
    properties: { "colour & shape": "r/d=ü" },
  });
  expect(seen?.body.toString()).toBe('{"celsius":21.5}');
  expect(seen?.enqueuedAt).toBeGreaterThanOrEqual(before);
  expect(hub.journal.attempts("d1")).toMatchObject([
    { messageId: "m 1", outcome: "accepted", duplicate: false },
  ]);
  expect(hub.journal.accepted("d1")).toHaveLength(1);
  expect(hub.journal.connections("d1")).toMatchObject([
    { returnCode: 0, sessionPresent: false, keepAliveSeconds: 180 },
  ]);
});

it("delivers a message to the device and takes its PUBACK as completion", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const arrived = nextMessage(client);
  await until(() => hub.journal.subscriptions("d1").length > 0);
  hub.device("d1").send({ body: "reboot", messageId: "c1", properties: { urgency: "high" }, ack: "full" });
  const message = await arrived;
  expect(message.getBytes().toString()).toBe("reboot");
  expect(message.messageId).toBe("c1");
  expect(message.properties.getValue("urgency")).toBe("high");
  await until(() => hub.journal.settled("d1").length > 0);
  expect(hub.journal.settled("d1")).toMatchObject([
    { messageId: "c1", outcome: "completed", deliveryCount: 1 },
  ]);
  expect(hub.device("d1").queueDepth).toBe(0);
});

it("keeps a message for a device that is away, and its subscription, and delivers when it is back", async () => {
  const hub = await opened.hub();
  const first = await connected(hub);
  first.on("message", () => undefined);
  await until(() => hub.journal.subscriptions("d1").length > 0);
  await first.close();
  hub.device("d1").send({ body: "later" });
  // The listener opens the connection; without one the official client acknowledges what comes and drops it.
  const second = await deviceClient(hub, "d1");
  opened.add(second);
  expect((await nextMessage(second)).getBytes().toString()).toBe("later");
  expect(hub.journal.connections("d1").map(({ sessionPresent }) => sessionPresent)).toEqual([false, true]);
});

it("calls a method and hands over what the device answers", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  client.onDeviceMethod("reboot", (request, response) => {
    response.send(202, { echoed: request.payload as unknown }, () => undefined);
  });
  await until(() => hub.device("d1").takesMethods);
  expect(await hub.device("d1").invoke("reboot", { delay: 5 })).toEqual({
    status: 202,
    payload: { echoed: { delay: 5 } },
  });
  expect(hub.journal.methods("d1")).toMatchObject([{ name: "reboot", status: 202 }]);
});

it("answers 404103 for a device that is away or has not subscribed, and waits if asked to", async () => {
  const hub = await opened.hub();
  const device = hub.device("d1");
  expect(await outcome(device.invoke("reboot"))).toMatchObject({ error: { code: 404103 } });
  const client = await connected(hub);
  expect(await outcome(device.invoke("reboot"))).toMatchObject({
    error: { code: 404103, message: "Timed out waiting for device to subscribe." },
  });
  const waiting = device.invoke("reboot", null, { connectTimeoutMs: 10_000 });
  client.onDeviceMethod("reboot", (_request, response) => {
    response.send(200, () => undefined);
  });
  expect(await waiting).toMatchObject({ status: 200 });
});

it("answers 504101 when the device does not", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  client.onDeviceMethod("reboot", () => undefined);
  await until(() => hub.device("d1").takesMethods);
  expect(await outcome(hub.device("d1").invoke("reboot", null, { responseTimeoutMs: 50 }))).toMatchObject({
    error: { code: 504101 },
  });
});

it("gives the twin, takes reported properties with null as removal, and pushes desired ones", async () => {
  const hub = await opened.hub();
  hub.device("d1").updateDesired({ interval: 5, nested: { a: 1, b: 2 } });
  const client = await connected(hub);
  const twin: Twin = await client.getTwin();
  expect(twin.properties.desired).toMatchObject({ interval: 5, nested: { a: 1, b: 2 }, $version: 2 });
  const report = (patch: object): Promise<void> =>
    new Promise((resolve, reject) => {
      (twin.properties.reported as unknown as Reported).update(patch, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    });
  await report({ firmware: "1.0", old: true });
  await report({ old: null });
  expect(hub.device("d1").reported).toEqual({ firmware: "1.0", $version: 3 });
  const changed = new Promise<Record<string, unknown>>((resolve) => {
    twin.on("properties.desired", (delta: Record<string, unknown>) => {
      if (delta["$version"] === 3) resolve(delta);
    });
  });
  await until(() => hub.device("d1").takesDesired);
  hub.device("d1").updateDesired({ interval: 10, nested: { a: null } });
  expect(await changed).toEqual({ interval: 10, nested: { a: null }, $version: 3 });
  expect(hub.device("d1").desired).toEqual({ interval: 10, nested: { b: 2 }, $version: 3 });
});

it("IOT-24 closes the first connection of a device when a second comes, and logs 400027", async () => {
  const hub = await opened.hub();
  await connected(hub);
  await connected(hub);
  await until(() => hub.journal.connections("d1")[0]?.closedAt !== undefined);
  const [first, second] = hub.journal.connections("d1");
  expect(first?.closedBecause).toBe("ConnectionForcefullyClosedOnNewConnection");
  expect(second?.closedAt).toBeUndefined();
  expect(hub.journal.log("d1").filter(({ level }) => level === "Error")).toMatchObject([
    { category: "Connections", operationName: "deviceDisconnect", resultType: "400027" },
  ]);
});

it.each([
  [
    "with a wrong key",
    (text: string) => text.replace(/SharedAccessKey=[^;]+/, "SharedAccessKey=d3Jvbmc="),
    "signature",
  ],
  ["for an unknown device", (text: string) => text.replace("DeviceId=d1", "DeviceId=d2"), "not registered"],
])("refuses a device %s", async (_what, change, because) => {
  const hub = await opened.hub();
  const client = Client.fromConnectionString(change(hub.deviceConnectionString("d1")), Mqtt);
  await client.setOptions({ ca: hub.ca });
  expect(await outcome(client.open())).toMatchObject({ name: "UnauthorizedError" });
  expect(hub.journal.connections()).toMatchObject([{ returnCode: 5 }]);
  expect(hub.journal.tokens()[0]?.description).toContain(because);
});

it("refuses a disabled device, and lets it in again when enabled", async () => {
  const hub = await opened.hub();
  hub.device("d1").disable();
  const client = await deviceClient(hub, "d1");
  opened.add(client);
  expect(await outcome(client.open())).toMatchObject({ name: "UnauthorizedError" });
  hub.device("d1").enable();
  await connected(hub);
  expect(hub.journal.tokens().map(({ status }) => status)).toEqual([401, 200]);
});

it("refuses an expired token, and closes a connection whose token runs out", async () => {
  const hub = await opened.hub();
  const { authentication } = hub.device("d1");
  const key = authentication.type === "sas" ? authentication.primaryKey : "";
  const connect = async (expiresInSeconds: number): Promise<unknown> => {
    const expiry = Math.floor(Date.now() / 1_000) + expiresInSeconds;
    const resource = encodeURIComponent(`localhost:${String(hub.port)}/devices/d1`);
    const token = SharedAccessSignature.create(resource, undefined as unknown as string, key, expiry);
    const client = Client.fromSharedAccessSignature(token.toString(), Mqtt);
    client.setRetryPolicy(new NoRetry());
    client.on("error", () => undefined);
    opened.add(client);
    await client.setOptions({ ca: hub.ca });
    return outcome(client.open());
  };
  expect(await connect(-60)).toMatchObject({ name: "UnauthorizedError" });
  expect(hub.journal.tokens()[0]?.description).toContain("expired");
  await connect(4);
  await until(() => hub.journal.connections("d1")[1]?.closedAt !== undefined);
  expect(hub.journal.connections("d1")[1]).toMatchObject({
    returnCode: 0,
    closedBecause: "IotHubUnauthorized",
  });
});

it("keeps everything over a restart on the same port, and takes messages again", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  await client.sendEvent(new Message("one"));
  const { port } = hub;
  await hub.stop();
  expect(await outcome(client.sendEvent(new Message("lost")))).toMatchObject({ name: "NotConnectedError" });
  await hub.start();
  expect(hub.port).toBe(port);
  const again = await connected(hub);
  await again.sendEvent(new Message("two"));
  expect(hub.journal.telemetry("d1").map(({ body }) => body.toString())).toEqual(["one", "two"]);
  expect(hub.journal.connections("d1").at(-1)?.sessionPresent).toBe(true);
});
