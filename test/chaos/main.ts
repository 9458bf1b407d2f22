import process from "node:process";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { Listr } from "listr2";
import { contenders, type Contender } from "./clients.ts";
import { runInLanes } from "./lanes.ts";
import type { LaneJob } from "./lane.ts";
import { mutants } from "./mutants.ts";
import { Tally, type Summary } from "./summary.ts";

const usage = `usage: npm run chaos -- [--seeds N] [--messages M] [--first S] [--client ${contenders.join(" | ")}] [--mutants] [--lanes L] [--json]
  N seeded schedules of faults over real sockets (default 20), M messages in all (default 500 a seed).
  A seed repeats the schedule, not the timing of sockets. Exit code 1: something was lost, stuck or handled twice without a reason.
  --mutants puts deliberate mistakes of ours through the schedules; each must be caught.`;

const options = readOptions();
const perSeed = Math.ceil(options.messages / options.seeds);
const jobs: LaneJob[] = Array.from({ length: options.seeds }, (_, index) => ({
  contender: options.client,
  seed: options.first + index,
  messages: perSeed,
}));

if (options.mutants) await hunt();
else await prove();

async function prove(): Promise<void> {
  const tally = new Tally();
  await progress(options.client, tally);
  const { failures, ...figures } = tally.summary;
  if (options.json) console.log(JSON.stringify(tally.summary));
  else {
    const table = new Table({ style: { head: [], border: [] } });
    for (const [name, value] of Object.entries(figures)) table.push([name, Math.round(value)]);
    console.log(table.toString());
    for (const { seed, because } of failures.slice(0, 20)) console.log(`seed ${String(seed)}: ${because}`);
  }
  if (failures.length > 0) process.exitCode = 1;
}

async function hunt(): Promise<void> {
  const caught: { name: string; by: string }[] = [];
  for (const { name } of mutants) {
    const tally = new Tally();
    await progress(name, tally, name);
    const [first] = tally.summary.failures;
    caught.push({ name, by: first === undefined ? "" : `seed ${String(first.seed)}: ${first.because}` });
  }
  if (options.json) console.log(JSON.stringify(caught));
  else
    for (const { name, by } of caught)
      console.log(`${by === "" ? "SURVIVED" : "caught  "} ${name}  ${by.slice(0, 160)}`);
  if (caught.some(({ by }) => by === "")) process.exitCode = 1;
}

async function progress(title: string, tally: Tally, mutant?: string): Promise<void> {
  await new Listr(
    [
      {
        title,
        task: (_, task) =>
          runInLanes(
            jobs,
            options.lanes,
            (outcome) => {
              tally.add(outcome);
              task.title = `${title}: ${line(tally.summary)}`;
              // A mutant is caught by the first.
              return mutant !== undefined && tally.summary.failures.length > 0 ? "enough" : undefined;
            },
            mutant,
          ),
      },
    ],
    { renderer: options.json ? "silent" : "default", fallbackRenderer: "silent" },
  ).run();
}

function line({ seeds, lost, stuck, duplicatedUnexplained, failures }: Summary): string {
  return `${String(seeds)} of ${String(jobs.length)} seeds, lost ${String(lost)}, stuck ${String(stuck)}, unexplained duplicates ${String(duplicatedUnexplained)}, seeds with trouble ${String(failures.length)}`;
}

function readOptions(): {
  seeds: number;
  messages: number;
  first: number;
  lanes: number;
  client: Contender;
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
    const client = contenders.find((one) => one === values.client);
    if (client === undefined)
      throw new Error(`--client must be one of ${contenders.join(", ")}, got ${values.client}`);
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
