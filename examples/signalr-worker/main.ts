// npm start -w examples/signalr-worker: against a simulated service that goes down twice, or, with HUB_URL set, against yours.
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { jobHub } from "./hub.ts";
import { worker } from "./worker.ts";

const url = process.env["HUB_URL"];
const log = (text: string): void => {
  console.log(`${new Date().toISOString().slice(11, 23)}  ${text}`);
};
const told = (event: {
  readonly type: string;
  readonly waitMs?: number;
  readonly fault?: { readonly id: string };
}): void => {
  const wait = event.waitMs === undefined ? "" : `, next attempt in ${String(Math.round(event.waitMs))} ms`;
  log(`${event.type}${event.fault === undefined ? "" : ` (${event.fault.id})`}${wait}`);
};
const work = async ({ id }: { readonly id: number }): Promise<void> => {
  await sleep(300);
  log(`did job ${String(id)}`);
};

if (url === undefined) {
  await using hub = await jobHub();
  await using connection = worker(hub.url, work, told);
  await connection.start();
  log("connected");
  for (let id = 1; id <= 9; id += 1) {
    if (id % 3 === 0) await hub.sim.restart({ downMs: 2_000 });
    await hub.joined();
    hub.give(id);
    await sleep(400);
  }
  while (hub.done.size < 9) await sleep(50);
  log(`all ${String(hub.done.size)} jobs are reported`);
} else {
  const connection = worker(url, work, told);
  process.once("SIGINT", () => void connection.stop());
  await connection.start();
  log("connected; Ctrl-C ends it");
}
