import { expect, it } from "vitest";
import { backoff, Client, iotPolicies } from "@holdfast/iot-device";
import { Mqtt } from "azure-iot-device-mqtt";
import { runBareDevice } from "./iot-bare.ts";
import { connects, optionsFor, twoDevices, until, wait } from "./iot-scene.ts";

const fast = iotPolicies({ "iot.connect": { backoff: backoff.decorrelated({ baseMs: 5, capMs: 20 }) } });

it("M-24 makes one connection of ten concurrent open()", async () => {
  await using it = await twoDevices();
  await Promise.all(Array.from({ length: 10 }, () => it.client.open()));
  expect(it.hub.journal.connections("ours")).toHaveLength(1);
});

it("M-24 refuses a second client of the same device in the process, and lets it in when the first is closed", async () => {
  await using it = await twoDevices();
  await it.client.open();
  const second = Client.fromConnectionString(it.hub.deviceConnectionString("ours"), Mqtt);
  await second.setOptions(optionsFor(it.hub));
  await expect(second.open()).rejects.toMatchObject({ code: "duplicate-identity" });
  await it.client.close();
  await second.open();
  await second.close();
  expect(connects(it.hub, "ours")).toBe(2);
});

it("M-24 IOT-25 never has two sockets open, over a hundred drops, and never takes its own place", async () => {
  await using it = await twoDevices({ policies: fast });
  const { hub, client } = it;
  client.on("message", () => undefined);
  await client.open();
  for (let drop = 1; drop <= 100; drop += 1) {
    await until(() => hub.device("ours").isConnected && connects(hub, "ours") >= drop);
    hub.device("ours").drop({ how: "reset" });
  }
  await until(() => connects(hub, "ours") >= 101);
  const spans = hub.journal.connections("ours");
  const overlaps = spans.filter(
    (span, index) => index > 0 && span.at < (spans[index - 1]?.closedAt ?? Infinity),
  );
  expect(overlaps).toEqual([]);
  expect(hub.journal.log("ours").filter(({ resultType }) => /40902|400027/.test(resultType))).toEqual([]);
});

it("M-24 IOT-23 leaves the identity to somebody else after three kicks. bare: takes it back on and on", async () => {
  await using it = await twoDevices({ policies: fast });
  const { hub, client, events } = it;
  client.on("message", () => undefined);
  await client.open();
  // The official client under our identity: each of the two takes the other's place.
  const job = {
    scenario: "listen",
    connectionString: hub.deviceConnectionString("ours"),
    ca: hub.ca,
  } as const;
  using other = runBareDevice(job);
  await until(() => other.said("ready"));
  const isTold = (): boolean =>
    events.some((event) => event.type === "disconnected" && event.fault?.kind === "duplicate-identity");
  await until(isTold);
  await until(() => hub.device("ours").isConnected);
  // Tells them apart: ours asks for a keep-alive of 60 s, the official client for 180 s.
  const ours = (): number =>
    hub.journal.connections("ours").filter((one) => one.keepAliveSeconds === 60).length;
  const before = ours();
  expect(before).toBeLessThanOrEqual(3);
  await wait(2_000);
  expect(ours()).toBe(before);
  const held = events.findLast((event) => event.type === "disconnected");
  expect(held).toMatchObject({ fault: { id: "duplicate-identity" } });
  expect(held?.type === "disconnected" && held.waitMs).toBeGreaterThanOrEqual(60_000);
});
