import { fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { signalr } from "@holdfast/simulators/signalr";
import { atMost, reported, type Result } from "./result.ts";
import { quantile } from "./statistics.ts";

const clients = 500;
/** How long after the servers' return everybody must be back. */
const patienceMs = 25_000;

interface Recovery {
  /** The most negotiations in any 100 ms after the return. */
  readonly peak: number;
  readonly leftBehind: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** A crowd whose servers go down, and how it comes back: the official client's and ours, as the app server sees it. */
export async function herdBench(): Promise<Result[]> {
  const results: Result[] = [];
  for (const downMs of [10_000, 45_000]) {
    const official = await measure("official", downMs);
    const ours = await measure("ours", downMs);
    const of = `${String(clients)} clients, down ${String(downMs / 1_000)} s`;
    results.push(
      reported(`${of}: official, attempts in the busiest 100 ms`, "", official.peak),
      reported(`${of}: official, left behind`, "clients", official.leftBehind),
      atMost(`${of}: ours, attempts in the busiest 100 ms`, "", 30, ours.peak),
      atMost(`${of}: ours, left behind`, "clients", 0, ours.leftBehind),
      reported(`${of}: ours, half are back after`, "ms", ours.p50Ms),
      atMost(`${of}: ours, 95 % are back after`, "ms", 10_000, ours.p95Ms),
    );
  }
  return results;
}

async function measure(kind: "official" | "ours", downMs: number): Promise<Recovery> {
  const sim = await signalr({ hubs: ["herd"], journalMessages: false });
  const child = fork(
    fileURLToPath(new URL("herd-clients.ts", import.meta.url)),
    [kind, sim.url("herd"), String(clients)],
    { execArgv: ["--import", "tsx"] },
  );
  await new Promise((resolve) => child.once("message", resolve));
  await sleep(2_000);
  await sim.stop();
  sim.journal.clear();
  await sleep(downMs);
  const returnedAt = performance.now();
  await sim.start();
  const end = performance.now() + patienceMs;
  while (performance.now() < end && sim.journal.alive().length < clients) await sleep(200);
  const attempts = sim.journal.negotiates("app").map(({ at }) => at);
  const back = sim.journal.connections().map(({ openedAt = Infinity }) => openedAt - returnedAt);
  const leftBehind = clients - sim.journal.alive().length;
  child.disconnect();
  await sim.close();
  return {
    ...{ leftBehind, peak: busiest(attempts, 100) },
    ...{ p50Ms: quantile(back, 0.5), p95Ms: quantile(back, 0.95) },
  };
}

/** The most of these moments in any window of so many milliseconds, wherever it begins. */
function busiest(moments: readonly number[], windowMs: number): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[first] ?? at) >= windowMs) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
