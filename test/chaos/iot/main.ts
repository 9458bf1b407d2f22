import process from "node:process";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { runInLanes } from "../lanes.ts";
import { deviceContenders, type DeviceContender } from "./clients.ts";
import type { DeviceJob } from "./lane.ts";
import { deviceMutants } from "./mutants.ts";
import type { DeviceOutcome } from "./run.ts";
import { DeviceTally } from "./summary.ts";

const usage = `usage: npm run chaos:iot -- [--seeds N] [--messages M] [--first S] [--client ${deviceContenders.join(" | ")}] [--mutants] [--lanes L] [--json]
  Devices in N seeded schedules of faults of a hub, over real sockets (default 20), M messages in all (default 500 a seed).
  A seed repeats the schedule, not the timing of sockets. Exit code 1: something was lost, stuck, out of order or doubled without a reason.
  --mutants puts deliberate mistakes of ours through the schedules; each must be caught.`;

const options = readOptions();
const jobs = Array.from({ length: options.seeds }, (_, index): DeviceJob => ({
  contender: options.client,
  seed: options.first + index,
  messages: Math.ceil(options.messages / options.seeds),
}));
if (options.mutants) await hunt();
else await prove();

async function prove(): Promise<void> {
  const tally = await runAll();
  const { figures, failures } = tally;
  if (options.json) console.log(JSON.stringify({ ...figures, failures }));
  else {
    const table = new Table({ style: { head: [], border: [] } });
    for (const [name, value] of Object.entries(figures)) table.push([name, value]);
    console.log(table.toString());
    for (const { seed, because } of failures.slice(0, 20)) console.log(`seed ${String(seed)}: ${because}`);
  }
  if (failures.length > 0) process.exitCode = 1;
}

async function hunt(): Promise<void> {
  for (const { name } of deviceMutants) {
    const [first] = (await runAll(name)).failures;
    const by = first === undefined ? "SURVIVED" : `caught by seed ${String(first.seed)}: ${first.because}`;
    console.log(`${name}: ${by.slice(0, 160)}`);
    if (first === undefined) process.exitCode = 1;
  }
}

/** @param mutant - its first failure is enough */
async function runAll(mutant?: string): Promise<DeviceTally> {
  const tally = new DeviceTally();
  await runInLanes<DeviceOutcome>(
    jobs,
    options.lanes,
    (outcome) => {
      tally.add(outcome);
      return mutant !== undefined && tally.failures.length > 0 ? "enough" : undefined;
    },
    mutant,
    new URL("lane.ts", import.meta.url),
  );
  return tally;
}

function readOptions(): {
  seeds: number;
  messages: number;
  first: number;
  lanes: number;
  client: DeviceContender;
  mutants: boolean;
  json: boolean;
} {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: "string", default: "20" },
        messages: { type: "string" },
        first: { type: "string", default: "1" },
        lanes: { type: "string", default: "4" },
        client: { type: "string", default: "wrapped" },
        mutants: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const client = deviceContenders.find((one) => one === values.client);
    if (client === undefined)
      throw new Error(`--client must be one of ${deviceContenders.join(", ")}, got ${values.client}`);
    const seeds = whole("--seeds", values.seeds);
    return {
      ...values,
      client,
      seeds,
      messages: whole("--messages", values.messages ?? String(seeds * 500)),
      first: whole("--first", values.first),
      lanes: whole("--lanes", values.lanes),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${name} must be a whole number of 1 or more, got ${text}`);
  return value;
}
