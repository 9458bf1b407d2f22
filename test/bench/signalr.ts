import { fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  HttpTransportType,
  HubConnectionBuilder as OfficialBuilder,
  LogLevel,
  type HubConnection,
} from "@microsoft/signalr";
import { HubConnectionBuilder } from "@holdfast/signalr";
import { digits, reported, type Result } from "./result.ts";
import { interval, median } from "./statistics.ts";

type Work = (connection: HubConnection) => Promise<number>;

interface Comparison {
  readonly name: string;
  readonly required: number;
  readonly invokeTimeoutMs?: number;
  readonly work: Work;
}

const pairs = 25;

const sequential: Work = async (connection) => {
  const count = 3_000;
  for (let index = 0; index < count; index += 1) await connection.invoke("Echo", index);
  return count;
};

const concurrent: Work = async (connection) => {
  const count = 20_000;
  let begun = 0;
  const caller = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await connection.invoke("Echo", begun);
    }
  };
  await Promise.all(Array.from({ length: 100 }, caller));
  return count;
};

const received: Work = async (connection) => {
  const count = 30_000;
  let left = count;
  await new Promise<void>((resolve, reject) => {
    connection.off("News");
    connection.on("News", () => {
      left -= 1;
      if (left === 0) resolve();
    });
    connection.invoke("Flood", count).catch(reject);
  });
  return count;
};

const comparisons: readonly Comparison[] = [
  { name: "invoke, one after the other", required: 0.97, work: sequential },
  { name: "invoke, 100 at a time", required: 0.97, work: concurrent },
  {
    name: "invoke, one after the other, with a timeout each",
    required: 0.9,
    invokeTimeoutMs: 30_000,
    work: sequential,
  },
  {
    name: "invoke, 100 at a time, with a timeout each",
    required: 0.9,
    invokeTimeoutMs: 30_000,
    work: concurrent,
  },
  { name: "messages received", required: 0.97, work: received },
];

/** Calls and messages a second of ours over those of the official client, over WebSockets, in pairs taken in turn. */
export async function signalrBench(): Promise<Result[]> {
  const child = fork(fileURLToPath(new URL("signalr-process.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx"],
  });
  const url = await new Promise<string>((resolve) => child.once("message", (text: string) => resolve(text)));
  const results: Result[] = [];
  for (const comparison of comparisons) results.push(...(await compare(url, comparison)));
  child.disconnect();
  return results;
}

async function compare(
  url: string,
  { name, required, invokeTimeoutMs, work }: Comparison,
): Promise<Result[]> {
  const bare = new OfficialBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(url, HttpTransportType.WebSockets)
    .build();
  const ours = new HubConnectionBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(url)
    .withResilience(invokeTimeoutMs === undefined ? {} : { invokeTimeoutMs })
    .build();
  await Promise.all([bare.start(), ours.start()]);
  for (const connection of [bare, ours, bare, ours]) await work(connection); // Warm.
  const samples: { bare: Sample; ours: Sample }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const first = pair % 2 === 0 ? await sample(bare, work) : undefined;
    const second = await sample(ours, work);
    samples.push({ bare: first ?? (await sample(bare, work)), ours: second });
  }
  await Promise.all([bare.stop(), ours.stop()]);
  const ratios = samples.map((pair) => pair.ours.rate / pair.bare.rate);
  const measured = median(ratios);
  const bareCpuUs = median(samples.map((pair) => pair.bare.cpuUs));
  const oursCpuUs = median(samples.map((pair) => pair.ours.cpuUs));
  return [
    {
      ...{ name, measured, interval: interval(ratios), unit: "x bare" },
      required: `>= ${String(required)}`,
      ok: measured >= required,
    },
    reported(`  client CPU for each: bare ${digits(bareCpuUs)} us, ours`, "us", oursCpuUs),
  ];
}

interface Sample {
  readonly rate: number;
  readonly cpuUs: number;
}

async function sample(connection: HubConnection, work: Work): Promise<Sample> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const count = await work(connection);
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (count / (performance.now() - startedAt)) * 1_000, cpuUs: (user + system) / count };
}
