import { mkdirSync, writeFileSync } from "node:fs";
import { barChart, lineChart } from "./chart.ts";
import { contention, strategies, clients as contenders } from "./contention-model.ts";
import * as herds from "./herd-model.ts";
import * as overloads from "./overload-model.ts";
import { atMost, near, reported, type Result } from "./result.ts";
import { median } from "./statistics.ts";

const charts = new URL("../../docs/models/", import.meta.url);
const seeds = [1, 2, 3, 4, 5];

/** What the policies do to a service, in models with a seed: the same numbers and charts on every machine. */
export async function models(): Promise<readonly Result[]> {
  mkdirSync(charts, { recursive: true });
  return [...(await overload()), ...herd(), ...atOneRow()];
}

async function overload(): Promise<Result[]> {
  const results: Result[] = [];
  for (const [processes, most] of [
    [5, undefined],
    [50, 1],
    [500, 4],
  ] as const) {
    const outcomes = [];
    for (const seed of seeds) outcomes.push(await overloads.overload(overloads.holdfast, processes, seed));
    const name = `overload, ${String(processes)} processes`;
    const refused = outcomes.map((one) => (100 * one.refused) / one.operations);
    const lost = outcomes.reduce((sum, one) => sum + one.lost, 0);
    const share = `${name}: refused`;
    results.push(
      most === undefined
        ? reported(share, "% of operations", median(refused), extremes(refused))
        : atMost(share, "% of operations", most, median(refused), extremes(refused)),
      atMost(`${name}: lost`, "operations", 0, lost),
      reported(`${name}: p99`, "ms", median(outcomes.map(({ p99Ms }) => p99Ms))),
    );
  }
  const compared = [overloads.holdfast, ...overloads.peers];
  const series = [];
  for (const strategy of compared) {
    for (const processes of [50, 500]) {
      const one = await overloads.overload(strategy, processes, 1);
      if (processes === 50) series.push({ name: strategy.name, points: perSecond(one.refusedPerSecond) });
      if (strategy === overloads.holdfast) continue;
      const name = `peer, overload, ${String(processes)} processes: ${strategy.name}`;
      results.push(
        reported(`${name}: refused`, "% of operations", (100 * one.refused) / one.operations),
        reported(`${name}: lost`, "operations", one.lost),
        reported(`${name}: p99`, "ms", one.p99Ms),
      );
    }
  }
  draw("overload", {
    title: "1.5 times what a namespace takes, from second 20 to 40: refused calls",
    xLabel: "seconds; 50 processes, 1000 credits a second, “wait 2 seconds”",
    yLabel: "refused in a second",
    isLog: true,
    series,
  });
  return results;
}

function herd(): Result[] {
  const [ourName, next] = herds.holdfast;
  const outcomes = seeds.map((seed) => herds.herd(next, seed));
  const peaks = outcomes.map(({ peak }) => peak);
  const back = outcomes.map(({ p99Seconds }) => p99Seconds ?? Infinity);
  const results: Result[] = [
    atMost("herd: peak in 100 ms", "attempts", 300, Math.max(...peaks), extremes(peaks)),
    atMost("herd: stranded", "clients", 0, Math.max(...outcomes.map(({ stranded }) => stranded))),
    reported("herd: 99 % back after", "s", median(back), extremes(back)),
  ];
  for (const [name, peer] of herds.peers) {
    const one = herds.herd(peer, 1);
    results.push(
      reported(`peer, herd: ${name}: peak in 100 ms`, "attempts", one.peak),
      reported(`peer, herd: ${name}: stranded`, "clients", one.stranded),
    );
  }
  const shown = [herds.holdfast, ...herds.peers].filter(([name]) => !name.startsWith("decorrelated"));
  draw("herd", {
    title: "2000 clients lose a service for 5 s that then takes 200 connections a second",
    xLabel: "seconds since the connections were lost",
    yLabel: "attempts in 100 ms",
    isLog: true,
    series: shown.map(([name, peer]) => ({
      name: name === ourName ? "Holdfast" : (name.split(":")[0] ?? name),
      points: herds
        .herd(peer, 1)
        .attempts.slice(0, 45_000 / herds.bucketMs)
        .map((count, index) => [(index * herds.bucketMs) / 1_000, count] as const)
        .filter(
          ([, count], index, all) =>
            count > 0 || (all[index - 1]?.[1] ?? 0) > 0 || (all[index + 1]?.[1] ?? 0) > 0,
        ),
    })),
  });
  return results;
}

function atOneRow(): Result[] {
  const outcomes = strategies.map((one) => ({ one, ...contention(one.next, 1) }));
  const chart = (
    file: string,
    yLabel: string,
    values: (of: (typeof outcomes)[number]) => number[],
    isLog: boolean,
  ): void => {
    const svg = barChart({
      title: `${String(contenders)} clients update one row once each (the model of the AWS article)`,
      yLabel,
      legend: ["the published program", "the same model with our functions"],
      groups: outcomes.map((of) => ({ name: of.one.name, values: values(of) })),
      isLog,
    });
    writeFileSync(new URL(`${file}.svg`, charts), svg);
  };
  chart("contention-calls", "calls in all", ({ one, calls }) => [one.calls, calls], false);
  chart("contention-time", "milliseconds until all are done", ({ one, ms }) => [one.ms, ms], true);
  return outcomes.flatMap(({ one, calls, ms }) => {
    const name = `one row, ${one.name}`;
    return [near(`${name}: calls`, "", one.calls, 0.1, calls), near(`${name}: time`, "ms", one.ms, 0.1, ms)];
  });
}

function draw(file: string, chart: Parameters<typeof lineChart>[0]): void {
  writeFileSync(new URL(`${file}.svg`, charts), lineChart(chart));
}

function perSecond(counts: readonly (number | undefined)[]): (readonly [number, number])[] {
  return Array.from({ length: 120 }, (_, second) => [second, counts[second] ?? 0] as const);
}

function extremes(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
