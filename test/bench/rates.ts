import process from "node:process";
import { digits, reported, type Result } from "./result.ts";
import { interval, median } from "./statistics.ts";

/** One client's work, and how many messages that were. */
export type Work = () => Promise<number>;

/** What is compared: the same work by the official client and by ours. */
export interface Comparison {
  readonly name: string;
  readonly required?: number;
  readonly aim?: number;
  readonly pairs: number;
  readonly bare: Work;
  readonly ours: Work;
  /** Before each work, outside of what is measured. */
  readonly prepare?: () => Promise<void>;
}

interface Sample {
  readonly rate: number;
  readonly cpuUs: number;
}

/** Messages a second of ours over those of the official client, in pairs taken in turn, and processor time. */
export async function compareRates(comparison: Comparison): Promise<Result[]> {
  const { name, required, aim, pairs, bare, ours, prepare } = comparison;
  const samples: { bare: Sample; ours: Sample }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const first = pair % 2 === 0 ? await sample(bare, prepare) : undefined;
    const second = await sample(ours, prepare);
    samples.push({ bare: first ?? (await sample(bare, prepare)), ours: second });
  }
  const ratios = samples.map((pair) => pair.ours.rate / pair.bare.rate);
  const measured = median(ratios);
  const bareCpuUs = median(samples.map((pair) => pair.bare.cpuUs));
  const oursCpuUs = median(samples.map((pair) => pair.ours.cpuUs));
  return [
    {
      name,
      required:
        required === undefined
          ? undefined
          : `>= ${String(required)}${aim === undefined ? "" : ` (aim ${String(aim)})`}`,
      measured,
      interval: pairs === 1 ? undefined : interval(ratios),
      unit: "x bare",
      ok: required === undefined ? undefined : measured >= required,
    },
    reported(`  client CPU for each message: bare ${digits(bareCpuUs)} us, ours`, "us", oursCpuUs),
  ];
}

async function sample(work: Work, prepare: Comparison["prepare"]): Promise<Sample> {
  await prepare?.();
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const count = await work();
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (count / (performance.now() - startedAt)) * 1_000, cpuUs: (user + system) / count };
}
