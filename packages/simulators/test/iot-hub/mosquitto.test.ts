import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { until } from "./support/device.ts";
import { scope } from "./support/scope.ts";
import { deviceToken } from "./support/token.ts";

/** Debian's mosquitto-clients: an MQTT client that shares no code with ours, and knows nothing of IoT Hub. */
const isInstalled = ["mosquitto_pub"].some((program) => {
  try {
    execFileSync(program, ["--help"], { stdio: "ignore" });
    return true;
  } catch (error) {
    // It prints its help and ends with 1.
    return (error as { status?: number | null }).status === 1;
  }
});
if (!isInstalled) {
  console.info("mosquitto.test.ts is not run: no mosquitto_pub (Debian package mosquitto-clients)");
}

const opened = scope();
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function mosquitto(hub: IotHubSimulator, program: string, ...args: string[]): Promise<string> {
  const ca = join(folder, "ca.pem");
  await writeFile(ca, hub.ca);
  const login = [
    ...["-h", "localhost", "-p", String(hub.port), "--cafile", ca, "-V", "mqttv311", "-i", "d1"],
    ...["-u", `${hub.hostName}/d1/?api-version=2021-04-12`, "-P", deviceToken(hub, "d1")],
  ];
  const { stdout } = await promisify(execFile)(program, [...login, ...args], { timeout: 60_000 });
  return stdout;
}

describe("mosquitto, a client that knows nothing of us,", () => {
  it.runIf(isInstalled)("sends a message with properties", async () => {
    const hub = await opened.hub();
    await mosquitto(
      hub,
      "mosquitto_pub",
      "-q",
      "1",
      "-t",
      "devices/d1/messages/events/%24.mid=m1&a=b",
      "-m",
      "hi",
    );
    expect(hub.journal.telemetry("d1")).toMatchObject([{ messageId: "m1", properties: { a: "b" } }]);
    expect(hub.journal.telemetry("d1")[0]?.body.toString()).toBe("hi");
  });

  it.runIf(isInstalled)("receives a message that waited for it", async () => {
    const hub = await opened.hub();
    hub.device("d1").send({ body: "reboot" });
    const topic = "devices/d1/messages/devicebound/#";
    expect(await mosquitto(hub, "mosquitto_sub", "-q", "1", "-t", topic, "-C", "1", "-W", "10")).toBe(
      "reboot\n",
    );
    await until(() => hub.device("d1").queueDepth === 0);
    expect(hub.journal.settled("d1")).toMatchObject([{ outcome: "completed" }]);
  });

  it.runIf(isInstalled)("is told of its readers that a message was to be retained", async () => {
    const hub = await opened.hub();
    const topic = "devices/d1/messages/events/a=b";
    await mosquitto(hub, "mosquitto_pub", "-r", "-q", "1", "-t", topic, "-m", "hi");
    expect(hub.journal.telemetry("d1")).toMatchObject([{ properties: { a: "b", "mqtt-retain": "true" } }]);
  });

  it.runIf(isInstalled)("leaves a will, which is telemetry once its connection is lost", async () => {
    const hub = await opened.hub();
    const will = ["--will-topic", "devices/d1/messages/events/%24.mid=w1&a=b", "--will-payload", "gone"];
    const topic = ["-t", "devices/d1/messages/devicebound/#"];
    hub.device("d1").send({ body: "then leave" });
    await mosquitto(hub, "mosquitto_sub", ...topic, ...will, "-C", "1", "-W", "10");
    expect(hub.journal.telemetry("d1")).toEqual([]);
    const lost = mosquitto(hub, "mosquitto_sub", ...topic, ...will, "-W", "2");
    await until(() => hub.device("d1").isConnected);
    hub.device("d1").drop();
    await until(() => hub.journal.telemetry("d1").length > 0);
    expect(hub.journal.telemetry("d1")).toMatchObject([
      { messageId: "w1", properties: { a: "b", "iothub-MessageType": "Will" } },
    ]);
    expect(hub.journal.telemetry("d1")[0]?.body.toString()).toBe("gone");
    await lost.catch(() => undefined);
  });

  it.runIf(isInstalled).each(["mqttv31", "mqttv5"])("is refused when it speaks %s", async (version) => {
    const hub = await opened.hub();
    const sent = mosquitto(
      hub,
      "mosquitto_pub",
      ...["-V", version, "-t", "devices/d1/messages/events/", "-m", "hi"],
    );
    await expect(sent).rejects.toThrow(/protocol/i);
    expect(hub.journal.connections("d1")).toMatchObject([{ returnCode: 1 }]);
  });
});
