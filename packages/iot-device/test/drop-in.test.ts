import iot, { Client as OfficialClient } from "azure-iot-device";
import { Mqtt } from "azure-iot-device-mqtt";
import { expect, it } from "vitest";
import { iotHub } from "@holdfast/simulators/iot-hub";
import * as ours from "@holdfast/iot-device";
import { deviceId, scene, until } from "./scene.ts";

const connectionString = "HostName=hub.test;DeviceId=d1;SharedAccessKey=a2V5";

it("exports everything that the official package exports at run time, by name and by default", () => {
  const missing = Object.entries(iot).filter(([, value]) => (value as unknown) !== undefined);
  expect(Object.keys(ours)).toEqual(expect.arrayContaining(missing.map(([name]) => name)));
  expect(Object.keys(ours.default)).toEqual(expect.arrayContaining(missing.map(([name]) => name)));
  expect(ours.Message).toBe(iot.Message);
  expect(ours.default.Client).toBe(ours.Client);
});

it("goes where the official type is asked for", () => {
  const client: OfficialClient = ours.Client.fromConnectionString(connectionString, Mqtt);
  const module_: InstanceType<typeof iot.ModuleClient> = ours.ModuleClient.fromConnectionString(
    `${connectionString};ModuleId=m1`,
    Mqtt,
  );
  expect(client).toBeInstanceOf(OfficialClient);
  expect(client).toBeInstanceOf(ours.Client);
  expect(module_).toBeInstanceOf(iot.ModuleClient);
});

it.each([
  ["resilience.slowRetryMs", { slowRetryMs: 5 }],
  ["resilience.keepAliveSeconds", { keepAliveSeconds: 2_000 }],
  ["resilience.uploads.maxConcurrent", { uploads: { maxConcurrent: 11 } }],
  ["resilience.outbox.concurrency", { outbox: { concurrency: 0 } }],
  ["resilience", { outbocks: {} } as ours.ResilienceOptions],
])("names the option %s that it does not take", (option, resilience) => {
  const make = (): unknown => ours.Client.fromConnectionString(connectionString, Mqtt, { resilience });
  expect(make).toThrow(option);
});

it("throws what the official factory throws", () => {
  expect(() => ours.Client.fromConnectionString("", Mqtt)).toThrow(ReferenceError);
  expect(() => ours.Client.fromConnectionString("HostName=h;DeviceId=d;SharedAccessKey=", Mqtt)).toThrow();
});

it("is the official client when resilience is false", async () => {
  await using hub = await iotHub({ devices: [deviceId] });
  const client = ours.Client.fromConnectionString(hub.deviceConnectionString(deviceId), Mqtt, {
    resilience: false,
  });
  await client.setOptions({ ca: hub.ca });
  await client.open();
  await client.sendEvent(new ours.Message("plain"));
  // Without a messageId, as the official client sends it.
  expect(hub.journal.telemetry(deviceId)[0]?.messageId).toBeUndefined();
  await client.close();
});

it("takes the official retry policies: NoRetry means one attempt", async () => {
  await using it = await scene();
  await it.client.open();
  it.client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => -1 });
  it.device.drop({ how: "reset" });
  await it.client.sendEvent(new ours.Message("a")).catch(() => undefined);
  await until(() => it.device.isConnected);
  expect(it.hub.journal.attempts(deviceId).length).toBeLessThanOrEqual(1);
});

it("opens again after close() when asked to, and for nothing else", async () => {
  await using it = await scene();
  await it.client.open();
  await it.client.close();
  await expect(it.client.sendEvent(new ours.Message("late"))).rejects.toMatchObject({ code: "closed" });
  expect(it.hub.journal.connections(deviceId)).toHaveLength(1);
  await it.client.open();
  await it.client.sendEvent(new ours.Message("again"));
  expect(it.hub.journal.telemetry(deviceId)).toHaveLength(1);
});
