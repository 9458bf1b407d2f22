import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Client, Message } from "azure-iot-device";
import { Mqtt } from "azure-iot-device-mqtt";

const main = fileURLToPath(new URL("../../src/bin/main.ts", import.meta.url));
const node = ["--import", import.meta.resolve("tsx"), main, "iot-hub"];
const anyPorts = ["--mqtt-port", "0", "--amqp-port", "0", "--https-port", "0"];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("serves a hub from a configuration file until it is told to stop", async () => {
  const [config, ca] = [join(folder, "hub.json"), join(folder, "ca.pem")];
  await writeFile(config, JSON.stringify({ devices: ["pump"], cloudToDevice: { maxQueueDepth: 5 } }));
  const args = [...node, "--config", config, "--ca-file", ca, ...anyPorts];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  try {
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.includes("Ctrl+C")) break;
    }
    const client = Client.fromConnectionString(/device pump: (\S+)/.exec(output)?.[1] ?? "", Mqtt);
    await client.setOptions({ ca: await readFile(ca, "utf8") });
    await client.sendEvent(new Message("hello"));
    await client.close();
  } finally {
    child.kill("SIGTERM");
  }
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
  expect(output).toMatch(/service: HostName=localhost:\d+;SharedAccessKeyName=iothubowner;/);
});

it("ends when a port is taken, or when the configuration fails", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  const run = promisify(execFile);
  const ports = ["--mqtt-port", "0", "--amqp-port", String(port), "--https-port", "0"];
  await expect(run(process.execPath, [...node, ...ports])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("EADDRINUSE"),
  });
  taken.close();
  const config = join(folder, "broken.mjs");
  await writeFile(config, 'export function setup() { throw new Error("no such luck"); }');
  await expect(run(process.execPath, [...node, "--config", config, ...anyPorts])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no such luck"),
  });
});

it("says what is wrong with an argument", async () => {
  const run = promisify(execFile)(process.execPath, [...node, "--mqtt-port", "many"]);
  await expect(run).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--mqtt-port must be a port number, got "many"'),
  });
});
