import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBusClient as BareClient, type ServiceBusSender } from "@azure/service-bus";
import { ServiceBusClient as HoldfastClient } from "@holdfast/service-bus";
import type { Job, Order, Report } from "./work.ts";

// One process per client, because the official one can take its process down with it.
const variant = process.argv[2];
const Client = variant === "wrapped" ? HoldfastClient : BareClient;
const tell = (report: Report): void => {
  process.send?.(report);
};

process.on("SIGINT", () => undefined); // The demo ends us; Ctrl-C reaches the whole process group.
process.on("disconnect", () => process.exit());
process.on("message", (job: Job) => void send(job));

// What a demo leaves behind in a real queue removes itself.
const timeToLiveMs = 600_000;

/** A service that takes an order now and then and does not wait for one before it takes the next. */
async function send({ scenario, connectionString, queues, run, count, everyMs }: Job): Promise<void> {
  const client = new Client(connectionString);
  const senders = queues.map((queue) => client.createSender(queue));
  const sends: Promise<void>[] = [];
  for (let order = 1; order <= count; order += 1) {
    const sender = senders[order % senders.length] as ServiceBusSender;
    const body: Order = { run, order };
    tell({ type: "sent", scenario, order });
    sends.push(
      sender.sendMessages({ body, timeToLive: timeToLiveMs }).then(
        () => tell({ type: "settled", scenario, order, failed: false }),
        () => tell({ type: "settled", scenario, order, failed: true }),
      ),
    );
    if (everyMs > 0) await sleep(everyMs);
  }
  await Promise.all(sends);
  await client.close();
}
