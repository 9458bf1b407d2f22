import { Agent } from "node:https";
import { Readable } from "node:stream";
import iot from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { Http } from "azure-iot-device-http";
import { Mqtt } from "azure-iot-device-mqtt";
import iothub from "azure-iothub";
import { describe, expect, it } from "vitest";
import { backoff, classifyIotDevice, iotPolicies } from "@holdfast/iot-device";
import { dropConnection, refuse, throttled, trustCertificate } from "@holdfast/simulators/iot-hub";
import { timed } from "../own-time/own-time.ts";
import { bodies, connects, twoDevices, until } from "./iot-scene.ts";

const { Message } = iot;

/** The shape of the default, 10 … 60 s, in a tenth of its time. */
const throttleDelayMs = 1_000;
const scaled = iotPolicies(
  Object.fromEntries(
    (["iot.send", "iot.upload"] as const).map((operation) => [
      operation,
      { throttledBackoff: backoff.equal({ baseMs: 2 * throttleDelayMs, capMs: 6 * throttleDelayMs }) },
    ]),
  ),
);

it("M-26 IOT-29 1000 messages at 100 a second take ten to twelve seconds and are never throttled", async () => {
  const throttle = { sendsPerSecond: 100, maxShapingMs: 2_000 };
  await using it = await twoDevices({ pacing: { messagesPerSecond: 100 } }, { throttle });
  await it.client.open();
  const { ms, ownMs } = await timed(
    Promise.all(Array.from({ length: 1_000 }, (_, index) => it.client.sendEvent(new Message(String(index))))),
  );

  expect(ms).toBeGreaterThan(9_000);
  expect(ownMs).toBeLessThan(13_000);
  expect(it.hub.journal.refusals()).toEqual([]);
  expect(new Set(bodies(it.hub, "ours")).size).toBe(1_000);
});

describe.each([
  ["MQTT", Mqtt],
  ["AMQP", Amqp],
])("M-26 over %s", (what, Transport) => {
  // The gate is one for all clients of a hub in the process, and the pace of the test above stays in it.
  const hostName = `shaping-${what}.azure-devices.net`;

  it("IOT-27 acknowledgements that come late slow the device down before anything is refused", async () => {
    const throttle = { sendsPerSecond: 100, maxShapingMs: 2_000 };
    await using it = await twoDevices({}, { throttle, hostName }, Transport);
    await it.client.open();
    await Promise.all(
      Array.from({ length: 600 }, (_, index) => it.client.sendEvent(new Message(String(index)))),
    );
    const { journal } = it.hub;
    expect(journal.refusals()).toEqual([]);
    expect(connects(it.hub, "ours")).toBe(1);
    expect(bodies(it.hub, "ours")).toHaveLength(600);
    // What lies at the hub: two seconds' worth would be refused, and less than one is what it has come down to.
    const accepted = journal.accepted("ours");
    const lying = journal
      .attempts("ours")
      .map(({ at }, index) => index + 1 - accepted.filter((one) => one.at <= at).length);
    expect(Math.max(...lying.slice(-150))).toBeLessThanOrEqual(100);
  });

  it("IOT-29 without looking at them, what is sent at once is held back, and then refused", async () => {
    const throttle = { sendsPerSecond: 100, maxShapingMs: 1_000 };
    const blind = { policies: scaled, lateAcknowledgementMs: Infinity };
    await using it = await twoDevices(blind, { throttle, hostName }, Transport);
    await it.client.open();
    const sends = Array.from({ length: 600 }, (_, index) => it.client.sendEvent(new Message(String(index))));
    const settled = Promise.allSettled(sends);
    await until(() => it.hub.journal.refusals().length > 0);
    expect(it.hub.journal.refusals()[0]).toMatchObject({ code: 429_001 });
    await it.client.close();
    await settled;
  });
});

it.each([
  ["429 over HTTPS", Http],
  ["device-container-throttled over AMQP", Amqp],
])("M-26 IOT-26 after %s nothing is sent before the throttle's delay", async (_what, Transport) => {
  await using it = await twoDevices({ policies: scaled }, {}, Transport);
  it.hub.faults.next("send", throttled());
  await it.client.sendEvent(new Message("here"));
  const [first, second] = it.hub.journal.attempts("ours");
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(throttleDelayMs);
  expect(it.hub.journal.attempts("ours")).toHaveLength(2);
  expect(bodies(it.hub, "ours")).toEqual(["here"]);
});

it("M-26 IOT-34 waits as long as Retry-After says over HTTPS", async () => {
  await using it = await twoDevices({}, {}, Http);
  it.hub.faults.next("send", refuse("unavailable", { retryAfterSeconds: 2 }));
  await it.client.sendEvent(new Message("here"));
  const [first, second] = it.hub.journal.attempts("ours");
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(2_000);
});

it("M-26 a hub that keeps closing the connection, as throttling does over MQTT, is left alone for a while", async () => {
  const holdMs = 3_000;
  await using it = await twoDevices({ duplicateIdentity: { holdMs } });
  it.hub.faults.next("send", dropConnection({ how: "fin" }), { times: 3 });
  await it.client.sendEvent(new Message("here"));
  expect(bodies(it.hub, "ours")).toEqual(["here"]);
  const connections = it.hub.journal.connections("ours");
  expect(connections).toHaveLength(4);
  expect(connections[3]!.at - connections[2]!.closedAt!).toBeGreaterThanOrEqual(holdMs);
});

it("M-26 IOT-12 25 uploads: never more than five open, every one notified, none refused", async () => {
  await using it = await uploading();
  const { hub, client } = it;
  const open: number[] = [];
  const watching = setInterval(() => {
    open.push(hub.journal.uploads("ours").filter(({ notifiedAt }) => notifiedAt === undefined).length);
  }, 2);
  await Promise.all(
    Array.from({ length: 25 }, (_, index) => {
      const body = Buffer.alloc(1_000, index);
      return client.uploadToBlob(`file-${String(index)}.bin`, Readable.from([body]), body.length);
    }),
  );
  clearInterval(watching);
  const uploads = hub.journal.uploads("ours");
  expect(uploads).toHaveLength(25);
  expect(uploads.filter(({ isSuccess, bytes }) => isSuccess === true && bytes === 1_000)).toHaveLength(25);
  expect(Math.max(...open)).toBeLessThanOrEqual(5);
  expect(hub.journal.refusals()).toEqual([]);
});

it("M-26 IOT-14 tells the hub of an upload that failed, and repeats what the storage could not take for a moment", async () => {
  await using it = await uploading();
  const { hub, client } = it;
  hub.faults.next("blob", refuse("unavailable"), { times: 2 });
  await client.uploadToBlob("a.bin", Readable.from([Buffer.from("a")]), 1);
  hub.faults.next("blob", refuse("unauthorized", { status: 403 }), { times: 2 });
  hub.faults.next("upload-notify", refuse("serverError"), { times: 2 });
  await expect(client.uploadToBlob("b.bin", Readable.from([Buffer.from("b")]), 1)).rejects.toMatchObject({
    statusCode: 403,
  });
  expect(hub.journal.uploads("ours").map(({ isSuccess }) => isSuccess)).toEqual([true, false]);
});

it("M-26 IOT-10 the official service client's 51st message is refused, and our table says why", async () => {
  await using it = await twoDevices();
  const distrust = trustCertificate(it.hub.ca);
  const service = iothub.Client.fromConnectionString(it.hub.serviceConnectionString());
  service.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => -1 });
  await service.open();
  // It has a copy of the class Message that it does not export.
  const send = (body: string): Promise<unknown> => service.send("ours", new Message(body) as never);
  for (let count = 1; count <= 50; count += 1) await send(String(count));
  const error: unknown = await send("51").then(
    () => undefined,
    (refused: unknown) => refused,
  );
  await service.close();
  distrust();
  expect(error).toBeInstanceOf(Error);
  expect(classifyIotDevice()(error, Date.now())).toMatchObject({ id: "IOT-10", kind: "quota" });
});

/** Ours with files; the storage is reached by an agent that trusts the simulator. */
function uploading(): ReturnType<typeof twoDevices> {
  return twoDevices(({ ca }) => ({ policies: scaled, uploads: { blobAgent: new Agent({ ca }) } }));
}
