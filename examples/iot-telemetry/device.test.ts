import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { iotHub } from "@holdfast/simulators/iot-hub";
import { Thermometer } from "./device.ts";

it("brings the readings of an outage and a restart to the hub, and follows its twin", async () => {
  vi.spyOn(console, "log").mockImplementation(() => undefined);
  const directory = await mkdtemp(join(tmpdir(), "thermometer-"));
  await using hub = await iotHub({ devices: ["thermometer"] });
  const connectionString = hub.deviceConnectionString("thermometer");
  await hub.stop();
  {
    await using device = new Thermometer({ connectionString, directory });
    await device.start({ ca: hub.ca });
    await expect.poll(() => device.pending).toBeGreaterThan(1);
  }
  hub.device("thermometer").updateDesired({ everyMs: 50 });
  await hub.start();
  {
    await using device = new Thermometer({ connectionString, directory });
    await device.start({ ca: hub.ca });
    await expect.poll(() => hub.journal.telemetry().length).toBeGreaterThan(10);
    await expect.poll(() => hub.device("thermometer").reported).toMatchObject({ everyMs: 50 });
    expect(await hub.device("thermometer").invoke("readings")).toMatchObject({ status: 200 });
  }
  const ids = hub.journal.telemetry().map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(ids.length);
  await rm(directory, { recursive: true });
});
