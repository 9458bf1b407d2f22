// npm start -w examples/iot-telemetry
// Against a simulated hub that is down for a while, or against yours: IOTHUB_DEVICE_CONNECTION_STRING="HostName=…"
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { iotHub } from "@holdfast/simulators/iot-hub";
import { Thermometer } from "./device.ts";

const given = process.env["IOTHUB_DEVICE_CONNECTION_STRING"];
const directory = process.env["OUTBOX_DIRECTORY"] ?? (await mkdtemp(join(tmpdir(), "thermometer-")));

if (given === undefined) await againstSimulator();
else await againstAzure(given);

async function againstAzure(connectionString: string): Promise<void> {
  const device = new Thermometer({ connectionString, directory });
  await device.start({});
  process.once("SIGINT", () => void device[Symbol.asyncDispose]());
}

async function againstSimulator(): Promise<void> {
  await using hub = await iotHub({ devices: ["thermometer"] });
  const connectionString = hub.deviceConnectionString("thermometer");
  await hub.stop();
  {
    await using device = new Thermometer({ connectionString, directory });
    await device.start({ ca: hub.ca });
    await sleep(2_500);
    console.log(`The hub is down; ${String(device.pending)} readings are on the disk. The device restarts.`);
  }
  hub.device("thermometer").updateDesired({ everyMs: 100 });
  await using device = new Thermometer({ connectionString, directory });
  await device.start({ ca: hub.ca });
  await hub.start();
  while (hub.journal.telemetry().length < 20) await sleep(50);
  const ids = hub.journal.telemetry().map(({ messageId }) => messageId);
  console.log(
    `The hub has ${String(ids.length)} readings, ${String(ids.length - new Set(ids).size)} of them twice.`,
  );
  console.log("The device reports", hub.device("thermometer").reported);
}
