import { fork, type ChildProcess } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  ServiceBusClient as OfficialClient,
  type ServiceBusMessage,
  type ServiceBusSender,
} from "@azure/service-bus";
import { ServiceBusClient } from "@holdfast/service-bus";
import { digits, reported, type Result } from "./result.ts";
import { interval, median } from "./statistics.ts";

type Work = (sender: ServiceBusSender) => Promise<number>;

interface Comparison {
  readonly name: string;
  readonly acknowledgementDelayMs: number;
  readonly required?: number;
  readonly aim?: number;
  readonly pairs: number;
  readonly work: Work;
}

let nextId = 0;
// The official client gets ids too, so both encode the same.
const message = (): ServiceBusMessage => ({ body: "x".repeat(200), messageId: String((nextId += 1)) });

const sequential =
  (count: number): Work =>
  async (sender) => {
    for (let index = 0; index < count; index += 1) await sender.sendMessages(message());
    return count;
  };

const concurrent =
  (width: number, count: number): Work =>
  async (sender) => {
    let begun = 0;
    const caller = async (): Promise<void> => {
      while (begun < count) {
        begun += 1;
        await sender.sendMessages(message());
      }
    };
    await Promise.all(Array.from({ length: width }, caller));
    return count;
  };

const burst =
  (count: number): Work =>
  async (sender) => {
    await Promise.all(Array.from({ length: count }, () => sender.sendMessages(message())));
    return count;
  };

const arrays =
  (size: number, count: number): Work =>
  async (sender) => {
    for (let index = 0; index < count; index += 1)
      await sender.sendMessages(Array.from({ length: size }, message));
    return size * count;
  };

const comparisons: readonly Comparison[] = [
  {
    name: "sequential sends",
    acknowledgementDelayMs: 0,
    required: 0.93,
    aim: 0.97,
    pairs: 12,
    work: sequential(1_000),
  },
  {
    name: "100-way concurrent singles",
    acknowledgementDelayMs: 0,
    required: 2,
    aim: 2.5,
    pairs: 12,
    work: concurrent(100, 10_000),
  },
  { name: "arrays of 100", acknowledgementDelayMs: 0, required: 0.93, pairs: 12, work: arrays(100, 150) },
  {
    name: "100-way, acknowledged after 5 ms",
    acknowledgementDelayMs: 5,
    pairs: 10,
    work: concurrent(100, 8_000),
  },
  {
    name: "100-way, acknowledged after 20 ms",
    acknowledgementDelayMs: 20,
    pairs: 10,
    work: concurrent(100, 4_000),
  },
  // One pair: the official client takes a minute, and the ratio is not close.
  {
    name: "burst of 5000, acknowledged after 200 ms",
    acknowledgementDelayMs: 200,
    required: 30,
    pairs: 1,
    work: burst(5_000),
  },
];

/** Messages a second of ours over those of the official client, in pairs taken in turn, and processor time. */
export async function sendBench(): Promise<Result[]> {
  const results: Result[] = [];
  for (const comparison of comparisons) results.push(...(await compare(comparison)));
  return results;
}

async function compare({
  name,
  acknowledgementDelayMs,
  required,
  aim,
  pairs,
  work,
}: Comparison): Promise<Result[]> {
  const service = await startService(acknowledgementDelayMs);
  const bareClient = new OfficialClient(service.connectionString);
  const oursClient = new ServiceBusClient(service.connectionString);
  const bare = bareClient.createSender("orders");
  const ours = oursClient.createSender("orders");
  const samples: { bare: Sample; ours: Sample }[] = [];
  for (const sender of [bare, ours]) await (pairs > 1 ? work(sender) : sender.sendMessages(message())); // Warm.
  for (let pair = 0; pair < pairs; pair += 1) {
    const first = pair % 2 === 0 ? await sample(bare, work) : undefined;
    const second = await sample(ours, work);
    samples.push({ bare: first ?? (await sample(bare, work)), ours: second });
    service.forget();
  }
  await Promise.all([bareClient.close(), oursClient.close()]);
  service.stop();
  const ratios = samples.map((pair) => pair.ours.rate / pair.bare.rate);
  const measured = median(ratios);
  const range = pairs === 1 ? undefined : interval(ratios);
  const bareCpuUs = median(samples.map((pair) => pair.bare.cpuUs));
  const oursCpuUs = median(samples.map((pair) => pair.ours.cpuUs));
  const bound =
    required === undefined
      ? undefined
      : `>= ${String(required)}${aim === undefined ? "" : ` (aim ${String(aim)})`}`;
  return [
    {
      name,
      required: bound,
      measured,
      interval: range,
      unit: "x bare",
      ok: required === undefined ? undefined : measured >= required,
    },
    reported(`  client CPU for each message: bare ${digits(bareCpuUs)} us, ours`, "us", oursCpuUs),
  ];
}

interface Sample {
  readonly rate: number;
  readonly cpuUs: number;
}

async function sample(sender: ServiceBusSender, work: Work): Promise<Sample> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const count = await work(sender);
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (count / (performance.now() - startedAt)) * 1_000, cpuUs: (user + system) / count };
}

interface RunningService {
  readonly connectionString: string;
  forget(): void;
  stop(): void;
}

async function startService(acknowledgementDelayMs: number): Promise<RunningService> {
  const file = fileURLToPath(new URL("simulator-process.ts", import.meta.url));
  const child: ChildProcess = fork(file, [String(acknowledgementDelayMs)]);
  const connectionString = await new Promise<string>((resolve) =>
    child.once("message", (text: string) => resolve(text)),
  );
  return { connectionString, forget: () => child.send("forget"), stop: () => child.disconnect() };
}
