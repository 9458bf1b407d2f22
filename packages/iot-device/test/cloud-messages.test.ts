import { Amqp } from "azure-iot-device-amqp";
import { expect, it } from "vitest";
import { deviceId, quick, scene, until } from "./scene.ts";

it("handles so many at once, and completes each", async () => {
  await using it = await scene(quick, {}, Amqp);
  const { client, device, hub } = it;
  let running = 0;
  let most = 0;
  client.handleMessages(
    async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
    },
    { concurrency: 3 },
  );
  await client.open();
  for (let index = 0; index < 20; index += 1) device.send({ body: String(index) });
  await until(() => device.queueDepth === 0);
  expect(most).toBe(3);
  expect(hub.journal.settled(deviceId).every(({ outcome }) => outcome === "completed")).toBe(true);
});

it("IOT-39 gives back what fails, and rejects what keeps failing", async () => {
  await using it = await scene(quick, {}, Amqp);
  const { client, device, hub } = it;
  const stop = client.handleMessages(
    () => {
      throw new Error("poison");
    },
    { maxFailures: 3 },
  );
  await client.open();
  device.send({ body: "a", messageId: "m1" });
  await until(() => device.queueDepth === 0);
  expect(hub.journal.settled(deviceId).map(({ outcome }) => outcome)).toEqual([
    "abandoned",
    "abandoned",
    "rejected",
  ]);
  stop();
});

it("IOT-39 gives back before its lock ends what a handler does not end with", async () => {
  await using it = await scene(quick, {}, Amqp);
  const { client, device, hub } = it;
  let calls = 0;
  client.handleMessages(() => (calls++ === 0 ? new Promise(() => undefined) : undefined), {
    settleWithinMs: 200,
  });
  await client.open();
  device.send({ body: "a", messageId: "m1" });
  await until(() => device.queueDepth === 0);
  expect(hub.journal.settled(deviceId).map(({ outcome }) => outcome)).toEqual(["abandoned", "completed"]);
});

it("tells of a failing handler over MQTT, where nothing can be given back, and goes on", async () => {
  await using it = await scene();
  const { client, device, events } = it;
  const seen: string[] = [];
  client.handleMessages((message) => {
    seen.push(String(message.data));
    throw new Error("not done");
  });
  await client.open();
  for (const body of ["a", "b"]) device.send({ body });
  await until(() => seen.length === 2);
  await until(() => events.filter(({ type }) => type === "handler-failed").length === 2);
});
