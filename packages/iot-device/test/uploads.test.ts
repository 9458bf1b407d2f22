import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Mqtt } from "azure-iot-device-mqtt";
import { expect, it } from "vitest";
import { dropConnection, iotHub, type IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { Client, type HoldfastEvent, type OpenUpload, type UploadJournal } from "../src/index.ts";
import { deviceId, until } from "./scene.ts";

/** A journal that a test fills and breaks. */
class FakeJournal implements UploadJournal {
  readonly left = new Map<string, OpenUpload>();
  isBroken = false;

  opened(upload: OpenUpload): Promise<void> {
    if (this.isBroken) return Promise.reject(new Error("ENOSPC: no space left on device"));
    this.left.set(upload.correlationId, upload);
    return Promise.resolve();
  }

  notified(correlationId: string): Promise<void> {
    if (this.isBroken) return Promise.reject(new Error("ENOSPC: no space left on device"));
    this.left.delete(correlationId);
    return Promise.resolve();
  }

  unfinished(): Promise<readonly OpenUpload[]> {
    return Promise.resolve([...this.left.values()]);
  }
}

interface Uploading extends AsyncDisposable {
  readonly hub: IotHubSimulator;
  readonly client: Client;
  readonly events: HoldfastEvent[];
}

async function uploading(journal: UploadJournal): Promise<Uploading> {
  const hub = await iotHub({ devices: [deviceId] });
  const events: HoldfastEvent[] = [];
  const uploads = { journal, blobAgent: new Agent({ ca: hub.ca }) };
  const client = Client.fromConnectionString(hub.deviceConnectionString(deviceId), Mqtt, {
    resilience: { closeTimeoutMs: 200, uploads, onEvent: (event) => events.push(event) },
  });
  await client.setOptions({ ca: hub.ca, http: { agent: hub.agent() } });
  return {
    ...{ hub, client, events },
    async [Symbol.asyncDispose]() {
      await client.close();
      await hub.close();
    },
  };
}

it("uploads, and tells the hub, although the journal cannot be written; that is an event", async () => {
  const journal = new FakeJournal();
  journal.isBroken = true;
  await using it = await uploading(journal);
  await it.client.uploadToBlob("a.bin", Readable.from([Buffer.from("a")]), 1);
  expect(it.hub.journal.uploads(deviceId)).toMatchObject([{ isSuccess: true, bytes: 1 }]);
  expect(it.events.filter(({ type }) => type === "handler-failed")).toHaveLength(2);
});

it("is done with an upload whose end the hub was told, although the answer was lost", async () => {
  const journal = new FakeJournal();
  await using it = await uploading(journal);
  it.hub.faults.next("upload-notify", dropConnection({ stored: true }));
  await it.client.uploadToBlob("a.bin", Readable.from([Buffer.from("a")]), 1);
  expect(it.hub.journal.uploads(deviceId)).toMatchObject([{ isSuccess: true, bytes: 1 }]);
  expect(journal.left.size).toBe(0);
});

it("tells the hub of every upload that was left open, also after one that the hub does not know", async () => {
  const journal = new FakeJournal();
  await using it = await uploading(journal);
  const open = await it.client.getBlobSharedAccessSignature("left.bin");
  const { correlationId } = open as { correlationId: string };
  await it.client.close();
  // Another process, which finds in the journal what this one left.
  journal.left.clear();
  const openedAtMs = Date.now();
  journal.left.set("stranger", { correlationId: "stranger", blobName: "s", openedAtMs });
  journal.left.set(correlationId, { correlationId, blobName: "left.bin", openedAtMs });
  const next = Client.fromConnectionString(it.hub.deviceConnectionString(deviceId), Mqtt, {
    resilience: { closeTimeoutMs: 200, uploads: { journal } },
  });
  await next.setOptions({ ca: it.hub.ca, http: { agent: it.hub.agent() } });
  await next.open();
  await until(() => journal.left.size === 0);
  await next.close();
  expect(it.hub.journal.uploads(deviceId)).toMatchObject([{ isSuccess: false }]);
});

it("trusts for uploads what the file of a certificate authority says", async () => {
  await using hub = await iotHub({ devices: [deviceId] });
  const directory = await mkdtemp(join(tmpdir(), "holdfast-ca-"));
  const ca = join(directory, "ca.pem");
  await writeFile(ca, hub.ca);
  const agent = new Agent({ host: "127.0.0.1", port: hub.httpsPort, servername: "localhost" });
  await using client = Client.fromConnectionString(hub.deviceConnectionString(deviceId), Mqtt, {
    resilience: { closeTimeoutMs: 200, uploads: { blobAgent: new Agent({ ca: hub.ca }) } },
  });
  await client.setOptions({ ca, http: { agent } });
  await client.uploadToBlob("a.bin", Readable.from([Buffer.from("a")]), 1);
  expect(hub.journal.uploads(deviceId)).toMatchObject([{ isSuccess: true }]);
  await rm(directory, { recursive: true });
});
