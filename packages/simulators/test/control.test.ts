import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ServiceBusClient } from "@azure/service-bus";
import { Client } from "azure-iot-device";
import { Mqtt } from "azure-iot-device-mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connected } from "./signalr/official-client.ts";

const main = fileURLToPath(new URL("../src/bin/main.ts", import.meta.url));

/** What the command says when it is ready; whatever else each simulator says of itself. */
interface Ready {
  readonly simulator: string;
  readonly control: string;
  readonly connectionString: string;
  readonly hubs: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, string>>;
  readonly ca: string;
  readonly caFile: string;
}

let child: ChildProcess;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-"));
});
afterEach(async () => {
  child.kill("SIGTERM");
  const [code] = child.exitCode === null ? ((await once(child, "exit")) as [number]) : [child.exitCode];
  expect(code).toBe(0);
  await rm(folder, { recursive: true });
});

async function ready(...args: string[]): Promise<Ready> {
  const options = ["--import", import.meta.resolve("tsx"), main, ...args, "--json", "--control-port", "0"];
  child = spawn(process.execPath, options, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, "line")) as [string];
  return JSON.parse(line) as Ready;
}

async function asked(method: string, url: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  return [answer.status, await answer.json()];
}

describe("the control endpoint of the command", () => {
  it("arranges faults of a namespace and reads what it saw", async () => {
    const { control, connectionString, simulator } = await ready("service-bus", "--port", "0");
    expect(simulator).toBe("service-bus");
    const fault = {
      step: "send",
      fault: "serverBusy",
      with: [{ waitSeconds: 0 }],
      entity: "queue1",
      times: 2,
    };
    expect(await asked("POST", `${control}/faults`, fault)).toEqual([200, { id: 1 }]);
    const client = new ServiceBusClient(connectionString, {
      retryOptions: { retryDelayInMs: 1, maxRetries: 4 },
    });
    await client.createSender("queue1").sendMessages({ body: Buffer.from([255, 0]), messageId: "m" });
    await client.close();
    expect(await asked("GET", `${control}/faults/1`)).toEqual([200, { id: 1, fired: 2 }]);
    expect(await asked("GET", `${control}/journal/refusals?entity=queue1`)).toMatchObject([
      200,
      [{ condition: "com.microsoft:server-busy" }, { condition: "com.microsoft:server-busy" }],
    ]);
    expect(await asked("GET", `${control}/journal/stored?entity=QUEUE1`)).toMatchObject([
      200,
      [{ messageId: "m", body: { base64: "/wA=" } }],
    ]);
    expect(await asked("GET", `${control}/queues/queue1`)).toMatchObject([200, { activeMessages: 1 }]);
    expect(await asked("POST", `${control}/queues/queue1/disable`, [])).toEqual([200, { result: null }]);
    expect(await asked("GET", `${control}/queues/queue1`)).toMatchObject([200, { status: "Disabled" }]);
    expect(await asked("DELETE", `${control}/journal`)).toEqual([200, {}]);
    expect(await asked("GET", `${control}/journal/stored`)).toEqual([200, []]);
  });

  it("arranges faults of a SignalR server and service", async () => {
    const { control, hubs } = await ready("signalr", "--hub", "chat");
    const always = { step: "app-negotiate", fault: "throttled", when: "always" };
    await asked("POST", `${control}/faults`, always);
    await expect(connected(hubs["chat"]!)).rejects.toThrow("429");
    expect(await asked("DELETE", `${control}/faults`)).toEqual([200, {}]);
    const connection = await connected(hubs["chat"]!);
    expect(await asked("GET", `${control}/hubs/chat`)).toEqual([
      200,
      { name: "chat", connectionIds: [connection.connectionId] },
    ]);
    const end = new Promise((resolve) => {
      connection.onclose(resolve);
    });
    await asked("POST", `${control}/hubs/chat/close`, { error: "bye" });
    expect(await end).toMatchObject({ message: "Server returned an error on close: bye" });
    expect(await asked("GET", `${control}/journal/requests`)).toMatchObject([
      200,
      expect.arrayContaining([expect.objectContaining({ step: "app-negotiate", status: 429 })]),
    ]);
    expect(await asked("POST", `${control}/restart`, { downMs: 10 })).toEqual([200, { result: null }]);
  });

  it("shows devices, sends them messages and ends their tokens", async () => {
    const ports = ["--mqtt-port", "0", "--amqp-port", "0", "--https-port", "0"];
    const caFile = join(folder, "ca.pem");
    const { control, devices, ca } = await ready(
      "iot-hub",
      "--device",
      "pump",
      "--ca-file",
      caFile,
      ...ports,
    );
    expect(await readFile(caFile, "utf8")).toBe(ca);
    const client = Client.fromConnectionString(devices["pump"]!, Mqtt);
    await client.setOptions({ ca });
    await client.open();
    const heard = once(client, "message");
    await expect
      .poll(() => asked("GET", `${control}/devices/pump`))
      .toMatchObject([200, { isConnected: true }]);
    expect(
      await asked("POST", `${control}/devices/pump/send`, { body: "stop", messageId: "c1" }),
    ).toMatchObject([200, { result: { messageId: "c1" } }]);
    expect(await asked("POST", `${control}/devices/pump/send`, ["stop"])).toMatchObject([
      400,
      { error: expect.stringContaining("body must be a string") },
    ]);
    const [message] = (await heard) as [{ getData(): Buffer }];
    expect(message.getData().toString()).toBe("stop");
    await client.close();
    await asked("POST", `${control}/devices/pump/disable`, []);
    const again = Client.fromConnectionString(devices["pump"]!, Mqtt);
    await again.setOptions({ ca });
    await expect(again.open()).rejects.toThrow();
    const seen = await asked("GET", `${control}/journal/connections?entity=pump`);
    expect(seen).toMatchObject([200, [{ returnCode: 0 }, { returnCode: 5 }]]);
  });

  it("says what it does not understand", async () => {
    const { control } = await ready("service-bus", "--port", "0");
    const refused = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const [status, { error }] = (await asked(method, control + path, body)) as [number, { error: string }];
      return [status, error];
    };
    expect(await refused("POST", "/faults", { step: "send", fault: "typo" })).toEqual([
      400,
      expect.stringContaining("fault must be one of acceptThenClose, "),
    ]);
    expect(await refused("POST", "/faults", { step: "typo", fault: "serverBusy" })).toEqual([
      400,
      expect.stringContaining('unknown step "typo"'),
    ]);
    expect(await refused("POST", "/faults", { step: "send", fault: "serverBusy", when: "soon" })).toEqual([
      400,
      expect.stringContaining("when must be"),
    ]);
    expect(await refused("GET", "/journal/typo")).toEqual([404, expect.stringContaining("attempts")]);
    expect(await refused("GET", "/queues/none")).toEqual([400, expect.stringContaining("none")]);
    expect(await refused("POST", "/queues/queue1/setStatus", ["Typo"])).toEqual([
      400,
      expect.stringContaining("Active, Disabled"),
    ]);
    expect(await refused("POST", "/close", [])).toEqual([404, expect.stringContaining("restart")]);
    expect(await refused("PUT", "/", [])).toEqual([405, expect.any(String)]);
    const page = await fetch(`${control}/stop`, { method: "POST", body: "[]" });
    expect(page.status).toBe(415);
    expect(await asked("GET", control)).toMatchObject([200, { simulator: "service-bus" }]);
  });
});
