import process from "node:process";
import Table from "cli-table3";
import { Listr } from "listr2";
import { contenders } from "./clients.ts";
import { runInLanes } from "./lanes.ts";
import type { LaneJob } from "./lane.ts";
import { mutants } from "./mutants.ts";
import { readChaosOptions, usageOf } from "./options.ts";
import { Tally, type Summary } from "./summary.ts";

const options = readChaosOptions(
  contenders,
  usageOf("chaos", contenders, "N seeded schedules of faults over real sockets"),
);
const perSeed = Math.ceil(options.messages / options.seeds);
const jobs: LaneJob[] = Array.from({ length: options.seeds }, (_, index) => ({
  contender: options.client,
  seed: options.first + index,
  messages: perSeed,
  sessions: options.sessions,
  patienceMs: options.patience * 1_000,
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
