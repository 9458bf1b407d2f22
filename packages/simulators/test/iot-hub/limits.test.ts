import { expect, it } from "vitest";
import { Message } from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { iotHub, type SimulatorClock } from "@holdfast/simulators/iot-hub";
import { deviceClient, outcome, until } from "./support/device.ts";
import { scope } from "./support/scope.ts";

const opened = scope();

it("IOT-29 shapes traffic: what is too fast waits, and what would wait too long is refused with 429001", async () => {
  // Time that stands still, but for timers: all 200 arrive in one instant, however busy the machine.
  const clock: SimulatorClock = {
    now: () => 0,
    wallNow: () => Date.now(),
    after(ms, fire) {
      const timer = setTimeout(fire, ms);
      return () => {
        clearTimeout(timer);
      };
    },
  };
  const hub = await opened.hub({ clock, throttle: { sendsPerSecond: 100, maxShapingMs: 200 } });
  const client = opened.add(await deviceClient(hub, "d1", Amqp));
  await client.open();
  const begun = performance.now();
  const results = await Promise.all(
    Array.from({ length: 200 }, () => outcome(client.sendEvent(new Message("x")))),
  );
  // A second's worth at once, then 200 ms of waiting at 100 a second.
  const refused = results.filter((result) => result instanceof Error);
  expect(hub.journal.telemetry("d1")).toHaveLength(120);
  expect(refused).toHaveLength(80);
  expect(refused[0]).toMatchObject({ name: "ThrottlingError" });
  expect(performance.now() - begun).toBeGreaterThan(195);
  expect(hub.journal.refusals("d1")[0]).toMatchObject({ code: 429001, step: "send" });
});

it("refuses connections beyond the rate", async () => {
  const hub = await opened.hub({ throttle: { connectionsPerSecond: 0.01 } });
  const first = opened.add(await deviceClient(hub, "d1"));
  await first.open();
  const second = opened.add(await deviceClient(hub, "d1"));
  expect(await outcome(second.open())).toMatchObject({ name: "ServiceUnavailableError" });
});

it("closes the connection for a message that is too large", async () => {
  const hub = await opened.hub();
  const client = opened.add(await deviceClient(hub, "d1"));
  await client.open();
  // The official client counts characters; the hub counts bytes.
  expect(await outcome(client.sendEvent(new Message("€".repeat(100_000))))).toMatchObject({
    name: "NotConnectedError",
  });
  expect(hub.journal.connections("d1")[0]?.closedBecause).toBe("MessageTooLarge");
});

it.each([
  [
    "ports.mqtt",
    { ports: { mqtt: 70_000 } },
    /ports\.mqtt must be an integer of between 0 and 65535, got 70000/,
  ],
  ["devices[].deviceId", { devices: ["a b"] }, /devices\[\]\.deviceId must be 1 to 128/],
  ["cloudToDevice.maxDeliveryCount", { cloudToDevice: { maxDeliveryCount: 0 } }, /between 1 and 100, got 0/],
  ["throttle.sendsPerSecond", { throttle: { sendsPerSecond: 0 } }, /sendsPerSecond must be at least/],
] as const)("says what is wrong with the option %s", async (_name, options, text) => {
  await expect(iotHub(options)).rejects.toThrow(text);
});

it("refuses to register a device twice, and to name one that is not there", async () => {
  const hub = await opened.hub();
  expect(() => hub.register("d1")).toThrow(/already registered/);
  expect(() => hub.device("d2")).toThrow(/not registered/);
  hub.register("d2");
  expect(hub.device("d2").isConnected).toBe(false);
});

it("knows a connected device, and when it has gone", async () => {
  const hub = await opened.hub();
  const client = opened.add(await deviceClient(hub, "d1"));
  await client.open();
  expect(hub.device("d1").isConnected).toBe(true);
  hub.device("d1").drop();
  expect(hub.device("d1").isConnected).toBe(false);
  await until(() => hub.journal.connections("d1")[0]?.closedAt !== undefined);
});
