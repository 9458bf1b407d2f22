// npm run uploads -w examples/iot-device -- <file> …
// Against a simulated hub, or against yours: IOTHUB_DEVICE_CONNECTION_STRING="HostName=…"
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Mqtt } from "azure-iot-device-mqtt";
import { Client } from "@holdfast/iot-device";
import { diskOutboxStore } from "@holdfast/iot-device/outbox-disk";
import { iotHub, refuse, trustCertificate } from "@holdfast/simulators/iot-hub";

type Options = Parameters<Client["setOptions"]>[0];

/** Uploads files, a few at a time. The hub is told of the end of each, if need be by the next process. */
export async function upload(
  connectionString: string,
  files: readonly string[],
  directory: string,
  options?: Options,
): Promise<void> {
  const client = Client.fromConnectionString(connectionString, Mqtt, {
    resilience: { uploads: { maxConcurrent: 3, journal: diskOutboxStore({ directory }) } },
  });
  if (options !== undefined) await client.setOptions(options);
  const put = async (file: string): Promise<void> => {
    const { size } = await stat(file);
    await client.uploadToBlob(basename(file), createReadStream(file), size);
  };
  await Promise.all(files.map(put)).finally(() => client.close());
}

/** Uploads to a hub whose storage is unavailable twice, and which does not hear of an end at first. @returns the names that it has */
export async function demonstrate(files: readonly string[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "uploads-"));
  await using hub = await iotHub({ devices: ["camera"] });
  hub.faults.next("blob", refuse("unavailable"), { times: 2 });
  hub.faults.next("upload-notify", refuse("serverError"));
  const distrust = trustCertificate(hub.ca);
  try {
    const options = { ca: hub.ca, http: { agent: hub.agent(), receivePolicy: { interval: 1 } } };
    await upload(hub.deviceConnectionString("camera"), files, directory, options);
  } finally {
    distrust();
    await rm(directory, { recursive: true, force: true });
  }
  return hub.journal
    .uploads("camera")
    .filter(({ isSuccess }) => isSuccess === true)
    .map(({ blobName }) => blobName);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const given = process.env["IOTHUB_DEVICE_CONNECTION_STRING"];
  const named = process.argv.slice(2);
  const files = named.length > 0 ? named : [fileURLToPath(import.meta.url)];
  if (given === undefined) console.log("The hub has", await demonstrate(files));
  else await upload(given, files, process.env["UPLOAD_DIRECTORY"] ?? "uploads");
}
