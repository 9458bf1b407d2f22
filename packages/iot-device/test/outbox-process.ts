import process from "node:process";
import { Mqtt } from "azure-iot-device-mqtt";
import { Client, Message } from "@holdfast/iot-device";
import { diskOutboxStore } from "@holdfast/iot-device/outbox-disk";

// Stores messages, telling of each when it is durable, until it is killed.

interface Job {
  readonly connectionString: string;
  readonly ca: string;
  readonly directory: string;
}

process.on("disconnect", () => process.exit());
process.once("message", (job: Job) => void work(job));

async function work({ connectionString, ca, directory }: Job): Promise<void> {
  const client = Client.fromConnectionString(connectionString, Mqtt, {
    resilience: { outbox: { store: diskOutboxStore({ directory }) } },
  });
  await client.setOptions({ ca });
  for (let number = 0; ; number += 1) {
    const enqueued = await client.outbox?.enqueue(new Message(String(number)));
    process.send?.(enqueued?.messageId);
  }
}
