import process from "node:process";
import Table from "cli-table3";
import { runInLanes } from "../lanes.ts";
import { readChaosOptions, usageOf } from "../options.ts";
import { deviceContenders } from "./clients.ts";
import type { DeviceJob } from "./lane.ts";
import { deviceMutants } from "./mutants.ts";
import type { DeviceOutcome } from "./run.ts";
import { DeviceTally } from "./summary.ts";

const options = readChaosOptions(
  deviceContenders,
  usageOf(
    "chaos:iot",
    deviceContenders,
    "Devices in N seeded schedules of faults of a hub, over real sockets",
  ),
);
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
