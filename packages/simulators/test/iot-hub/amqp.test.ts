import { expect, it } from "vitest";
import { Message } from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { duplicate, type IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { deviceClient, nextMessage, outcome, until, type DeviceClient } from "./support/device.ts";
import { scope } from "./support/scope.ts";

interface Reported {
  update(patch: object, done: (error: Error | null | undefined) => void): void;
}

const opened = scope();

async function connected(hub: IotHubSimulator): Promise<DeviceClient> {
  const client = await deviceClient(hub, "d1", Amqp);
  opened.add(client);
  await client.open();
  return client;
}

it("takes messages over AMQP with their properties", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const message = new Message("hot");
  message.messageId = "0b0e1a2c-1111-4222-8333-123456789abc";
  message.contentType = "application/json";
  message.properties.add("room", "b4");
  await client.sendEvent(message);
  expect(hub.journal.telemetry("d1")).toMatchObject([
    {
      protocol: "amqp",
      messageId: "0b0e1a2c-1111-4222-8333-123456789abc",
      contentType: "application/json",
      properties: { room: "b4" },
    },
  ]);
  expect(hub.journal.telemetry("d1")[0]?.body.toString()).toBe("hot");
  expect(hub.journal.tokens()).toMatchObject([{ audience: "d1", status: 200, protocol: "amqp" }]);
});

it("refuses a wrong key at the token, and an unknown device", async () => {
  const hub = await opened.hub({ devices: ["d1", "d2"] });
  const client = await deviceClient(hub, "d1", Amqp);
  hub.unregister("d1");
  expect(await outcome(client.open())).toMatchObject({ name: "UnauthorizedError" });
  expect(hub.journal.refusals("d1")).toMatchObject([{ step: "cbs", code: 404001 }]);
});

it("delivers messages to the device, and completes, abandons and rejects as it says", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const device = hub.device("d1");
  const first = nextMessage(client);
  device.send({ body: "one", messageId: "1", properties: { a: "b" } });
  const one = await first;
  expect(one.properties.getValue("a")).toBe("b");
  await client.complete(one);
  const second = nextMessage(client);
  device.send({ body: "two", messageId: "2" });
  const again = (async () => {
    await client.abandon(await second);
    return nextMessage(client);
  })();
  const two = await again;
  expect(two.getBytes().toString()).toBe("two");
  await client.reject(two);
  await until(() => device.queueDepth === 0);
  expect(hub.journal.settled("d1").map(({ messageId, outcome: how }) => [messageId, how])).toEqual([
    ["1", "completed"],
    ["2", "abandoned"],
    ["2", "rejected"],
  ]);
  expect(hub.journal.delivered("d1").map(({ deliveryCount }) => deliveryCount)).toEqual([1, 1, 2]);
});

it("delivers a message twice; one settlement counts", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  const bodies: string[] = [];
  client.on("message", (message) => {
    bodies.push(message.getBytes().toString());
    void client.complete(message);
  });
  await until(() => hub.journal.subscriptions("d1").some(({ topic }) => topic.endsWith("devicebound")));
  hub.faults.next("deliver", duplicate());
  hub.device("d1").send({ body: "twice" });
  hub.device("d1").send({ body: "once" });
  await until(() => bodies.length === 3 && hub.device("d1").queueDepth === 0);
  expect(bodies).toEqual(["twice", "twice", "once"]);
  expect(hub.journal.settled("d1").map(({ outcome: how }) => how)).toEqual(["completed", "completed"]);
});

it("drops a message that was abandoned too often", async () => {
  const hub = await opened.hub({ cloudToDevice: { maxDeliveryCount: 2 } });
  const client = await connected(hub);
  client.on("message", (message) => {
    void client.abandon(message);
  });
  await until(() => hub.journal.subscriptions("d1").some(({ topic }) => topic.endsWith("devicebound")));
  hub.device("d1").send({ body: "poison", messageId: "p", ack: "full" });
  await until(() => hub.device("d1").queueDepth === 0);
  expect(hub.journal.settled("d1").map(({ outcome: how }) => how)).toEqual([
    "abandoned",
    "abandoned",
    "delivery-count-exceeded",
  ]);
});

it("calls methods, gives the twin, takes reported properties and pushes desired ones", async () => {
  const hub = await opened.hub();
  const client = await connected(hub);
  client.onDeviceMethod("reboot", (request, response) => {
    response.send(200, request.payload, () => undefined);
  });
  await until(() => hub.device("d1").takesMethods);
  expect(await hub.device("d1").invoke("reboot", [1])).toEqual({ status: 200, payload: [1] });
  hub.device("d1").updateDesired({ interval: 5 });
  const twin = await client.getTwin();
  expect(twin.properties.desired).toMatchObject({ interval: 5, $version: 2 });
  await new Promise<void>((resolve, reject) => {
    (twin.properties.reported as unknown as Reported).update({ firmware: 2 }, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
  expect(hub.device("d1").reported).toEqual({ firmware: 2, $version: 2 });
  const changed = new Promise((resolve) => {
    twin.on("properties.desired.mode", resolve);
  });
  await until(() => hub.device("d1").takesDesired);
  hub.device("d1").updateDesired({ mode: "eco" });
  expect(await changed).toBe("eco");
});

it("ends the first connection of a device when a second comes, over another protocol too", async () => {
  const hub = await opened.hub();
  await connected(hub).then(async (client) => client.sendEvent(new Message("one")));
  const second = await deviceClient(hub, "d1");
  opened.add(second);
  await second.open();
  await until(() => hub.journal.connections("d1")[0]?.closedAt !== undefined);
  expect(hub.journal.log("d1").filter(({ level }) => level === "Error")).toMatchObject([
    { resultType: "409002", resultDescription: "LinkCreationConflict" },
  ]);
});
