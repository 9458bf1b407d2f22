import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { openDevice } from "./device.ts";
import { openHub } from "./hub-connection.ts";
import { openQueues } from "./queues.ts";
import type { Job, Report, Target, Variant } from "./work.ts";

// One process per client, because the official one can take its process down with it.
const variant: Variant = process.argv[2] === "wrapped" ? "wrapped" : "bare";
const tell = (report: Report): void => {
  process.send?.(report);
};

/** A client that sends the demo's orders, or takes those that come. */
export interface OrderClient {
  /** Sends one order. A client without it receives them. */
  send?(order: number): Promise<unknown>;
  close(): Promise<unknown>;
}

process.on("SIGINT", () => undefined); // The demo ends us; Ctrl-C reaches the whole process group.
process.on("disconnect", () => process.exit());
process.on("message", (job: Job) => void work(job));

/** A service that takes an order now and then and does not wait for one before it takes the next. */
async function work(job: Job): Promise<void> {
  const { scenario, target, run, count, everyMs } = job;
  const settled = (order: number, failed: boolean): void => {
    tell({ type: "settled", scenario, order, failed });
  };
  const arrived = (order: number): void => {
    settled(order, false);
  };
  const client = await open(target, run, arrived);
  tell({ type: "ready", scenario });
  if (client.send === undefined) return;
  const sends: Promise<void>[] = [];
  for (let order = 1; order <= count; order += 1) {
    tell({ type: "sent", scenario, order });
    sends.push(
      client.send(order).then(
        () => {
          settled(order, false);
        },
        () => {
          settled(order, true);
        },
      ),
    );
    if (everyMs > 0) await sleep(everyMs);
  }
  await Promise.all(sends);
  await client.close();
}

function open(
  target: Target,
  run: string,
  arrived: (order: number) => void,
): OrderClient | Promise<OrderClient> {
  switch (target.service) {
    case "service-bus":
      return openQueues(variant, target, run);
    case "iot-hub":
      return openDevice(variant, target, run, arrived);
    case "signalr":
      return openHub(variant, target, run);
  }
}
