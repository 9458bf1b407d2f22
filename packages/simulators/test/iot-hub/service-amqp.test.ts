import { expect, it } from "vitest";
import { Message } from "azure-iot-common";
import { Amqp } from "azure-iot-device-amqp";
import { trustCertificate, type IotHubOptions, type IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { deviceClient, nextMessage, outcome, until } from "./support/device.ts";
import { scope } from "./support/scope.ts";
import { serviceClient } from "./support/service.ts";

const opened = scope();

async function start(options: IotHubOptions = {}): Promise<IotHubSimulator> {
  const hub = await opened.hub(options);
  opened.add({ close: trustCertificate(hub.ca) });
  return hub;
}

// The service client has a copy of the class Message that it does not export, so the parameter is left open.
interface Service extends Pick<ReturnType<typeof serviceClient>, "getFeedbackReceiver" | "close"> {
  send(deviceId: string, message: object): Promise<unknown>;
}

async function connectedService(hub: IotHubSimulator): Promise<Service> {
  const service = serviceClient(hub);
  service.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => -1 });
  opened.add(service);
  await service.open();
  return service as unknown as Service;
}

function command(id: string, ack?: string): Message {
  const message = new Message(`body of ${id}`);
  message.messageId = id;
  if (ack !== undefined) message.ack = ack;
  return message;
}

interface FeedbackReceiver {
  on(event: "message", listener: (message: { data: Buffer }) => void): void;
}

interface Record_ {
  readonly originalMessageId: string;
  readonly statusCode: string;
}

/** Collects feedback records. */
async function feedback(service: Service): Promise<Record_[]> {
  const records: Record_[] = [];
  const { result } = (await service.getFeedbackReceiver()) as unknown as { result?: FeedbackReceiver };
  const receiver = result ?? ((await service.getFeedbackReceiver()) as unknown as FeedbackReceiver);
  receiver.on("message", (message) => {
    records.push(...(JSON.parse(message.data.toString()) as Record_[]));
  });
  return records;
}

it("brings a service's message to the device, and its completion back as feedback", async () => {
  const hub = await start();
  const service = await connectedService(hub);
  const records = await feedback(service);
  const device = await deviceClient(hub, "d1", Amqp);
  opened.add(device);
  const arrived = nextMessage(device);
  await service.send("d1", command("c1", "full"));
  const message = await arrived;
  expect(message.getBytes().toString()).toBe("body of c1");
  await device.complete(message);
  await until(() => records.length > 0, "feedback");
  expect(records).toMatchObject([{ originalMessageId: "c1", statusCode: "Success", deviceId: "d1" }]);
});

it("IOT-38 IOT-41 reports rejection, expiry and too many deliveries, and nothing when nothing was asked", async () => {
  const hub = await start({ cloudToDevice: { maxDeliveryCount: 2 } });
  const service = await connectedService(hub);
  const records = await feedback(service);
  const expired = command("old", "negative");
  expired.expiryTimeUtc = Date.now() + 100;
  await service.send("d1", expired);
  await until(() => records.length === 1, "the expiry");
  const device = await deviceClient(hub, "d1", Amqp);
  opened.add(device);
  device.on("message", (message) => {
    if (message.messageId === "poison") void device.abandon(message);
    else if (message.messageId === "bad") void device.reject(message);
    else void device.complete(message);
  });
  await service.send("d1", command("silent"));
  await service.send("d1", command("fine", "negative"));
  await service.send("d1", command("bad", "negative"));
  await service.send("d1", command("poison", "full"));
  await until(() => records.length === 3, "three records");
  expect(records.map(({ originalMessageId, statusCode }) => [originalMessageId, statusCode])).toEqual([
    ["old", "Expired"],
    ["bad", "Rejected"],
    ["poison", "DeliveryCountExceeded"],
  ]);
  expect(hub.journal.log("d1").map(({ resultType }) => resultType)).toContain("DeliveryCountExceeded");
  expect(hub.journal.log("d1").map(({ resultType }) => resultType)).toContain("MessageExpired");
});

it("IOT-10 refuses the 51st message to a device that is away with 403004", async () => {
  const hub = await start();
  const service = await connectedService(hub);
  for (let count = 0; count < 50; count += 1) await service.send("d1", command(`c${String(count)}`));
  expect(await outcome(service.send("d1", command("c50")))).toMatchObject({
    name: "DeviceMaximumQueueDepthExceededError",
  });
  expect(hub.device("d1").queueDepth).toBe(50);
  expect(hub.journal.refusals("d1")).toMatchObject([
    { code: 403004, step: "service-send", messageId: "c50" },
  ]);
});

it("IOT-15 refuses a message to an unknown device with 404001", async () => {
  const hub = await start();
  const service = await connectedService(hub);
  expect(await outcome(service.send("nobody", command("c")))).toMatchObject({ name: "DeviceNotFoundError" });
});

it("IOT-42 does not deliver what expired while the device was away", async () => {
  const hub = await start();
  const service = await connectedService(hub);
  const message = command("short");
  message.expiryTimeUtc = Date.now() + 50;
  await service.send("d1", message);
  await until(() => hub.device("d1").queueDepth === 0);
  expect(hub.journal.settled("d1")).toMatchObject([{ messageId: "short", outcome: "expired" }]);
});
