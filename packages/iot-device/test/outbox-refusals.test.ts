import { getEventListeners } from "node:events";
import { Amqp } from "azure-iot-device-amqp";
import { expect, it, vi } from "vitest";
import { refuse } from "@holdfast/simulators/iot-hub";
import { iotPolicies, Message } from "../src/index.ts";
import { deviceId, quick, scene } from "./scene.ts";

it("keeps a message for which the hub has an error that nobody knows, and sends it when that has passed", async () => {
  await using it = await scene({ ...quick, outbox: {} }, {}, Amqp);
  const odd = refuse("internalError", { condition: "com.example:odd", message: "Odd." });
  it.hub.faults.next("send", odd, { times: 4 });
  await it.client.sendEvent(new Message("here"));
  expect(it.hub.journal.telemetry(deviceId).map(({ body }) => body.toString())).toEqual(["here"]);
  expect(it.events.filter(({ type }) => type === "dropped")).toEqual([]);
});

it("gives up a message that is refused so for good, and goes on with the next", async () => {
  const policies = iotPolicies({ "iot.outbox": { on: { unknown: { action: "retry", limit: 2 } } } });
  await using it = await scene({ ...quick, policies, outbox: {} }, {}, Amqp);
  const odd = refuse("internalError", { condition: "com.example:odd", message: "Odd." });
  it.hub.faults.next("send", odd, { times: 2 });
  await expect(it.client.sendEvent(new Message("poison"))).rejects.toThrow();
  await it.client.sendEvent(new Message("next"));
  expect(it.hub.journal.telemetry(deviceId).map(({ body }) => body.toString())).toEqual(["next"]);
});

it("leaves nothing behind on its signal for a message that had to wait for its pace", async () => {
  const signals = new Set<AbortSignal>();
  const { addEventListener } = EventTarget.prototype;
  const spy = vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation(function (
    this: EventTarget,
    ...args
  ) {
    if (this instanceof AbortSignal) signals.add(this);
    addEventListener.apply(this, args);
  });
  await using it = await scene({ ...quick, outbox: { messagesPerSecond: 50 } });
  await it.client.open();
  await Promise.all(
    Array.from({ length: 70 }, (_, index) => it.client.sendEvent(new Message(String(index)))),
  );
  const left = [...signals].map((signal) => getEventListeners(signal, "abort").length);
  spy.mockRestore();
  expect(Math.max(0, ...left)).toBeLessThan(5);
});
