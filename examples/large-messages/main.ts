import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  LargeMessageReader,
  releaseClaimCheck,
  ServiceBusClient,
  type ServiceBusReceiver,
} from "@holdfast/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import { FileClaimCheckStore } from "./file-claim-check-store.ts";

// Sends a document that no message takes, one way and the other, and puts it together again where it arrives.
// On a simulator of its own; with SERVICEBUS_CONNECTION_STRING (and SERVICEBUS_QUEUE, default "holdfast-large-messages",
// a queue that nobody else uses) on that namespace. CLAIM_CHECK_FOLDER: where the contents go, default a temporary folder.

const given = process.env["SERVICEBUS_CONNECTION_STRING"];
const namespace = given === undefined || given === "" ? undefined : given;
const queue = process.env["SERVICEBUS_QUEUE"] ?? "holdfast-large-messages";
const simulator = namespace === undefined ? await serviceBus({ queues: [queue] }) : undefined;
const connectionString = namespace ?? simulator?.connectionString ?? "";

const ownFolder = process.env["CLAIM_CHECK_FOLDER"];
const folder = ownFolder ?? (await mkdtemp(join(tmpdir(), "claim-checks-")));
const store = new FileClaimCheckStore(folder);

// What a Standard namespace takes is 256 KB.
const document = randomBytes(1_000_000);
const run = randomBytes(8).toString("hex");
const timeToLive = 600_000; // What is left behind in a real queue removes itself.
const message = (name: string): { body: Buffer; messageId: string; timeToLive: number } => ({
  body: document,
  messageId: `${run}-${name}`,
  timeToLive,
});

const client = new ServiceBusClient(connectionString);
try {
  const checking = client.createSender(queue, { largeMessages: { claimCheck: { store } } });
  await checking.sendMessages(message("claim-check"));
  console.log(
    `claim check: ${String((await readdir(folder)).length)} file in the folder, its reference in the queue`,
  );

  const chunking = client.createSender(queue, { largeMessages: "chunk" });
  await chunking.sendMessages(message("chunks"));
  console.log("chunks: as many messages in the queue as it takes");

  const restored = await receiveAll(client.createReceiver(queue, { skipParsingBodyAsJson: true }), 2);
  for (const [id, body] of restored) {
    console.log(
      `${id.replace(`${run}-`, "")}: ${String(body.length)} bytes, ${body.equals(document) ? "the same" : "DIFFERENT"}`,
    );
    if (!body.equals(document)) process.exitCode = 1;
  }
  console.log(`afterwards: ${String((await readdir(folder)).length)} files in the folder`);
} finally {
  await client.close();
  await simulator?.close();
  if (ownFolder === undefined) await rm(folder, { recursive: true, force: true });
}

/** Receives until so many documents of this run are whole, and settles what they came in. */
async function receiveAll(receiver: ServiceBusReceiver, count: number): Promise<Map<string, Buffer>> {
  const reader = new LargeMessageReader({ store, skipParsingBodyAsJson: true });
  const documents = new Map<string, Buffer>();
  while (documents.size < count) {
    for (const received of await receiver.receiveMessages(20, { maxWaitTimeInMs: 5_000 })) {
      const result = await reader.restore(received);
      if (result.status === "duplicate") await receiver.completeMessage(received);
      if (result.status === "corrupt") {
        for (const part of result.parts) await receiver.deadLetterMessage(part);
      }
      if (result.status !== "complete") continue; // The others of its document are still to come.
      documents.set(String(result.message.messageId), result.message.body as Buffer);
      for (const part of result.parts) await receiver.completeMessage(part);
      result.settled();
      await releaseClaimCheck(received, store);
    }
  }
  reader.close();
  return documents;
}
