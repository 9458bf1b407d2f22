// npm run methods -w examples/iot-device
// Against a simulated hub, or against yours: IOTHUB_DEVICE_CONNECTION_STRING="HostName=…"
import process from "node:process";
import { pathToFileURL } from "node:url";
import { Mqtt } from "azure-iot-device-mqtt";
import { Client } from "@holdfast/iot-device";
import { iotHub } from "@holdfast/simulators/iot-hub";

/** A pump that is switched by direct methods; it answers them again after every end of its connection. */
export async function startPump(connectionString: string, ca?: string): Promise<Client> {
  const client = Client.fromConnectionString(connectionString, Mqtt);
  if (ca !== undefined) await client.setOptions({ ca });
  let isRunning = false;
  client.onDeviceMethod("switch", (request, response) => {
    const { on } = request.payload as { on?: unknown };
    // What a handler throws is answered with 500, and the device lives on; a method that it does not know, with 501.
    if (typeof on !== "boolean") throw new TypeError("on must be true or false");
    isRunning = on;
    void response.send(200, { isRunning });
  });
  await client.open();
  return client;
}

/** Calls the pump's methods, before and after its connection is reset. @returns the statuses of the answers */
export async function demonstrate(): Promise<number[]> {
  await using hub = await iotHub({ devices: ["pump"] });
  const pump = await startPump(hub.deviceConnectionString("pump"), hub.ca);
  const device = hub.device("pump");
  const call = async (name: string, payload: unknown): Promise<number> =>
    (await device.invoke(name, payload, { connectTimeoutMs: 30_000 })).status;
  const statuses = [
    await call("switch", { on: true }),
    await call("switch", { on: "yes" }),
    await call("launch", {}),
  ];
  hub.dropConnections();
  statuses.push(await call("switch", { on: false }));
  await pump.close();
  return statuses;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const given = process.env["IOTHUB_DEVICE_CONNECTION_STRING"];
  if (given === undefined) console.log("The pump answered", await demonstrate());
  else {
    const pump = await startPump(given);
    process.once("SIGINT", () => void pump.close());
  }
}
