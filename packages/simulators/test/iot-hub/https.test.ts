import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { Message } from "azure-iot-device";
import { Http } from "azure-iot-device-http";
import {
  refuse,
  throttled,
  trustCertificate,
  type FileNotification,
  type IotHubSimulator,
} from "@holdfast/simulators/iot-hub";
import { deviceClient, nextMessage, outcome, until, type DeviceClient } from "./support/device.ts";
import { scope } from "./support/scope.ts";
import { serviceClient } from "./support/service.ts";

const opened = scope();

async function connected(hub: IotHubSimulator): Promise<DeviceClient> {
  const client = await deviceClient(hub, "d1", Http, {
    // Without a receive policy the official client's setOptions() never calls back.
    http: { agent: hub.agent(), receivePolicy: { interval: 1 } },
  });
  return opened.add(client);
}

it("takes messages and batches over HTTPS", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const message = new Message("one");
  message.messageId = "m1";
  message.properties.add("room", "b4");
  await client.sendEvent(message);
  await client.sendEventBatch([new Message("two"), new Message("three")]);
  expect(hub.journal.telemetry("d1").map(({ body }) => body.toString())).toEqual(["one", "two", "three"]);
  expect(hub.journal.telemetry("d1")[0]).toMatchObject({
    protocol: "https",
    messageId: "m1",
    properties: { room: "b4" },
  });
});

it("answers throttling with 429 and Retry-After, and a wrong token with 401", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  hub.faults.next("send", throttled({ retryAfterSeconds: 3 }));
  const error = await outcome(client.sendEvent(new Message("x")));
  expect((error as unknown as { response: { statusCode: number } }).response.statusCode).toBe(429);
  hub.faults.next("send", refuse("unavailable"));
  expect(await outcome(client.sendEvent(new Message("x")))).toMatchObject({
    name: "ServiceUnavailableError",
  });
  hub.device("d1").disable();
  expect(await outcome(client.sendEvent(new Message("x")))).toMatchObject({ name: "UnauthorizedError" });
  expect(hub.journal.requests("d1").map(({ status }) => status)).toEqual([429, 503, 401]);
  expect(hub.journal.refusals("d1").map(({ code }) => code)).toEqual([429001, undefined, 401002]);
  expect(hub.journal.telemetry("d1")).toHaveLength(0);
});

it("gives a message when asked, and completes, abandons and rejects it", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  hub.device("d1").send({ body: "hello", messageId: "c1", properties: { a: "b" } });
  const message = await nextMessage(client);
  expect(message.getBytes().toString()).toBe("hello");
  expect(message.messageId).toBe("c1");
  await client.abandon(message);
  await client.reject(await nextMessage(client));
  await until(() => hub.device("d1").queueDepth === 0);
  expect(hub.journal.settled("d1").map(({ outcome: how }) => how)).toEqual(["abandoned", "rejected"]);
  expect(await outcome(client.complete(message))).toBeInstanceOf(Error);
});

it("takes a file, tells the service, and frees the slot", async () => {
  const hub = await opened.hub();
  opened.add({ close: trustCertificate(hub.ca) });
  const service = opened.add(serviceClient(hub));
  await service.open();
  const notifications: FileNotification[] = [];
  const { result } = (await service.getFileNotificationReceiver()) as unknown as {
    result: { on(event: "message", tell: (message: { data: Buffer }) => void): void };
  };
  result.on("message", ({ data }) => notifications.push(JSON.parse(data.toString())));
  const client = await connected(hub);
  const body = Buffer.alloc(5_000_000, 7);
  await client.uploadToBlob("logs/today.bin", Readable.from(body), body.length);
  expect(hub.blobs.map(({ name, body: stored }) => [name, stored.equals(body)])).toEqual([
    ["d1/logs/today.bin", true],
  ]);
  expect(hub.journal.uploads("d1")).toMatchObject([{ isSuccess: true, bytes: 5_000_000 }]);
  await until(() => notifications.length > 0, "the notification");
  expect(notifications).toMatchObject([
    { deviceId: "d1", blobName: "d1/logs/today.bin", blobSizeInBytes: 5_000_000 },
  ]);
});

it("IOT-12 refuses the 11th upload with 403006 until one is reported as finished", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const begin = (): Promise<{ correlationId: string }> => client.getBlobSharedAccessSignature("f");
  const [first] = await Promise.all(Array.from({ length: 10 }, begin));
  expect(await outcome(begin())).toMatchObject({
    response: { statusCode: 403 },
    responseBody: expect.stringContaining('\\"errorCode\\":403006'),
  });
  await client.notifyBlobUploadStatus(first!.correlationId, false, 500, "failed");
  expect(await outcome(begin())).not.toBeInstanceOf(Error);
  expect(hub.journal.uploads("d1").filter(({ isSuccess }) => isSuccess === false)).toHaveLength(1);
});

it("frees the slot of an upload that nobody reports, after its time", async () => {
  const hub = await opened.hub({ maxActiveUploads: 1, uploadTtlMs: 30 });
  const client = await connected(hub);
  await client.getBlobSharedAccessSignature("f");
  await until(() => hub.journal.uploads("d1")[0]?.expiredAt !== undefined);
  expect(await outcome(client.getBlobSharedAccessSignature("g"))).not.toBeInstanceOf(Error);
});
