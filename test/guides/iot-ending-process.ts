import process from "node:process";
import { Mqtt } from "azure-iot-device-mqtt";
import { Client, Message } from "@holdfast/iot-device";
import { timed } from "../own-time/own-time.ts";

// Connects, subscribes, closes with a send in hand, and has nothing left that keeps it alive.
process.once("message", (job: { connectionString: string; ca: string }) => void work(job));

async function work({ connectionString, ca }: { connectionString: string; ca: string }): Promise<void> {
  const client = Client.fromConnectionString(connectionString, Mqtt);
  await client.setOptions({ ca });
  client.on("message", () => undefined);
  await client.open();
  await client.getTwin();
  process.once("message", () => {
    client.sendEvent(new Message("unheard")).catch(() => undefined);
    void timed(client.close()).then(({ ownMs }) => {
      process.send?.(ownMs, () => process.disconnect());
    });
  });
  process.send?.("ready");
}
