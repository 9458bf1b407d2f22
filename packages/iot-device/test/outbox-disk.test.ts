import { fork } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client, Message } from "@holdfast/iot-device";
import { diskOutboxStore } from "@holdfast/iot-device/outbox-disk";
import { iotHub } from "@holdfast/simulators/iot-hub";
import { Mqtt } from "azure-iot-device-mqtt";
import { encodeMessage } from "../src/message-codec.ts";
import { OutgoingMessage } from "../src/outgoing-message.ts";
import { deviceId, until } from "./scene.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-outbox-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function stored(
  sequence: number,
  body: string,
): Parameters<ReturnType<typeof diskOutboxStore>["append"]>[0][number] {
  const message = new OutgoingMessage(new Message(body));
  message.properties.add("sensor", "ä/1");
  const { messageId } = message;
  return {
    ...{ sequence, messageId, expiresAtMs: Infinity, bytes: body.length },
    content: encodeMessage(message, undefined),
  };
}

describe.each(["process", "power"] as const)("a disk store for the %s's end", (durability) => {
  it("gives back what was stored, in order, without what was removed", async () => {
    const store = diskOutboxStore({ directory, durability });
    expect(await store.open()).toEqual({ entries: [], damage: [] });
    await store.append([stored(1, "a"), stored(2, "b"), stored(300, "c")]);
    await store.remove([2]);
    await store.close();
    const { entries, damage } = await store.open();
    expect(entries.map(({ sequence }) => sequence)).toEqual([1, 300]);
    expect(damage).toEqual([]);
    expect(await store.read([300, 2])).toEqual([expect.any(Uint8Array), undefined]);
    await store.close();
  });
});

it("remembers uploads that were not notified", async () => {
  const store = diskOutboxStore({ directory });
  await store.opened({ correlationId: "c1", blobName: "a", openedAtMs: 1 });
  await store.opened({ correlationId: "c2", blobName: "b", openedAtMs: 2 });
  await store.notified("c1");
  await store.close();
  expect(await store.unfinished()).toEqual([{ correlationId: "c2", blobName: "b", openedAtMs: 2 }]);
  await store.close();
});

it("says who has it, when it is open already", async () => {
  const one = diskOutboxStore({ directory });
  await one.open();
  await expect(diskOutboxStore({ directory }).open()).rejects.toThrow(/in use by another process/);
  await one.close();
});

it("keeps what is readable of a torn store, and reports what is missing", async () => {
  const store = diskOutboxStore({ directory });
  await store.open();
  for (let sequence = 1; sequence <= 100; sequence += 1)
    await store.append([stored(sequence, "x".repeat(1_000))]);
  await store.close();
  const log = (await readdir(directory)).find((name) => name.endsWith(".log"))!;
  const { length } = await readFile(join(directory, log));
  await truncate(join(directory, log), Math.floor(length / 2));
  const { entries, damage } = await diskOutboxStoreOpened();
  expect(entries.length).toBeGreaterThan(30);
  expect(entries.length).toBeLessThan(100);
  expect(damage.join()).toContain(`${String(100 - entries.length)} messages are missing`);
});

it("opens although its manifest is garbage, and says what it did", async () => {
  const store = diskOutboxStore({ directory });
  await store.open();
  await store.append([stored(1, "a")]);
  await store.close();
  const manifest = (await readdir(directory)).find((name) => name.startsWith("MANIFEST"))!;
  await writeFile(join(directory, manifest), "this is no manifest");
  const { entries, damage } = await diskOutboxStoreOpened();
  expect(entries.map(({ sequence }) => sequence)).toEqual([1]);
  expect(damage.join()).toContain("repaired");
});

it("opens although the note of its last end is torn", async () => {
  const store = diskOutboxStore({ directory });
  await store.open();
  await store.append([stored(1, "a")]);
  await store.close();
  await writeFile(join(directory, "holdfast-closed.json"), '{"mess');
  const { entries, damage } = await diskOutboxStoreOpened();
  expect(entries.map(({ sequence }) => sequence)).toEqual([1]);
  expect(damage).toEqual([]);
});

it("opens at the next call when it could not at the first", async () => {
  const holder = diskOutboxStore({ directory });
  await holder.open();
  const store = diskOutboxStore({ directory });
  await expect(store.open()).rejects.toThrow(/in use/);
  await holder.close();
  expect(await store.open()).toMatchObject({ entries: [] });
  await store.close();
});

async function diskOutboxStoreOpened(): ReturnType<ReturnType<typeof diskOutboxStore>["open"]> {
  const store = diskOutboxStore({ directory });
  const found = await store.open();
  await store.close();
  return found;
}

it("loses no durable message to kill -9: a second process sends what the first had stored", async () => {
  await using hub = await iotHub({ devices: [deviceId] });
  const connectionString = hub.deviceConnectionString(deviceId);
  await hub.refuseConnections();
  const child = fork(fileURLToPath(new URL("outbox-process.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx", "--conditions=source"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const durable: string[] = [];
  child.on("message", (messageId: string) => durable.push(messageId));
  child.send({ connectionString, ca: hub.ca, directory });
  await until(() => durable.length > 300);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  await hub.start();
  const client = Client.fromConnectionString(connectionString, Mqtt, {
    resilience: { outbox: { store: diskOutboxStore({ directory }) } },
  });
  await client.setOptions({ ca: hub.ca });
  await client.open();
  await client.outbox!.whenEmpty();
  await client.close();
  const arrived = hub.journal.telemetry(deviceId).map(({ messageId }) => messageId);
  expect(durable.filter((messageId) => !arrived.includes(messageId))).toEqual([]);
  const numbers = hub.journal.telemetry(deviceId).map(({ body }) => Number(body.toString()));
  expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
});
