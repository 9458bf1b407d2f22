import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { guardOfficialRejections } from "@holdfast/service-bus";
import { loadedBareProcess, runBare } from "./bare.ts";
import { measureWork, type WorkRow } from "./work-baseline.ts";
import { failingService, queue, scenarios, type Scenario } from "./scenarios.ts";
import { sendOurs } from "./send.ts";

// Runs every scenario to its end with both clients and writes the figures where the documentation takes them from.
// The official client needs 90 s for some, so the next begins while it waits; ours runs alone.

// What the official client below ours rejects a minute after a connection fell silent must not end the run.
guardOfficialRejections();

// What a process with the official client takes to load, so that two do not share the processor meanwhile.
const startUpMs = 1_500;

interface Side {
  readonly settledMs: number;
  readonly stored: number;
  readonly transfers: number;
  readonly rejected: number;
  readonly error: string | undefined;
}

interface Row {
  readonly claim: string;
  readonly title: string;
  readonly sends: number;
  readonly bare: Side;
  readonly ours: Side;
}

// `npm run baseline -- M-11 M-16` measures these only, and writes nothing.
const claims = process.argv.slice(2);
const isWanted = (claim: string): boolean => claims.length === 0 || claims.includes(claim);

const running: Promise<Row>[] = [];
for (const scenario of scenarios) if (isWanted(scenario.claim)) running.push((await begin(scenario)).row);
const work = await measureWork(isWanted);
const rows = await Promise.all(running);
const measured = {
  node: process.version,
  client: "@azure/service-bus 7.9.5, default options",
  rows,
  work,
};
const lines = [...rows.map(line), ...work.map(workLine)];
if (claims.length === 0) {
  await writeFile(new URL("baseline.json", import.meta.url), `${JSON.stringify(measured, null, 2)}\n`);
  const readme = new URL("../../README.md", import.meta.url);
  await writeFile(readme, withTable(await readFile(readme, "utf8"), lines));
}
console.log(lines.join("\n"));

/** Measures ours, starts the official client's process, and resolves with what it will have measured. */
async function begin(scenario: Scenario): Promise<{ row: Promise<Row> }> {
  const ours = await measureOurs(scenario);
  const row = measureBare(scenario).then((bare) => {
    const { claim, title, messages } = scenario;
    return { claim, title, sends: messages.length, bare, ours };
  });
  await sleep(startUpMs);
  return { row };
}

async function measureOurs(scenario: Scenario): Promise<Side> {
  await using service = await failingService(scenario);
  const { sent } = await sendOurs(scenario, service);
  const errors = sent.flatMap(({ error }) =>
    error === undefined ? [] : [error as Error & { code?: string }],
  );
  return sideOf(sent, errors, service);
}

async function measureBare(scenario: Scenario): Promise<Side> {
  const child = await loadedBareProcess();
  await using service = await failingService(scenario);
  using bare = runBare(scenario, service, child);
  await bare.done;
  const errors = bare.reports.flatMap(({ error }) => (error === undefined ? [] : [error]));
  return sideOf(bare.reports, errors, service);
}

function sideOf(
  calls: readonly { readonly settledMs: number }[],
  errors: readonly { name: string; code?: string | undefined }[],
  { bus }: Awaited<ReturnType<typeof failingService>>,
): Side {
  const [first] = errors;
  return {
    settledMs: Math.round(Math.max(...calls.map((call) => call.settledMs))),
    stored: bus.journal.stored(queue).length,
    transfers: bus.journal.attempts(queue).length,
    rejected: errors.length,
    error: first && `${first.name}${first.code === undefined ? ", no code" : `, ${first.code}`}`,
  };
}

function line({ claim, title, sends, bare, ours }: Row): string {
  return `| ${title} (${claim}) | ${told(bare, sends)} | ${told(ours, sends)} |`;
}

function workLine({ claim, title, bare, ours }: WorkRow): string {
  return `| ${title} (${claim}) | ${bare.told}; ${bare.saw} | ${ours.told}; ${ours.saw} |`;
}

function told({ settledMs, stored, rejected, error }: Side, sends: number): string {
  const after = settledMs < 1_000 ? `${String(settledMs)} ms` : `${(settledMs / 1_000).toFixed(1)} s`;
  const outcome =
    rejected === 0
      ? "resolves"
      : `${sends === 1 ? "rejects" : `rejects ${String(rejected)}`} (${error ?? ""})`;
  const copies = stored > sends ? `, stored ${String(stored)} times` : "";
  const lost = rejected === 0 && stored < sends ? `, ${String(sends - stored)} lost` : "";
  return `${outcome} after ${after}${copies}${lost}`;
}

function withTable(text: string, lines: readonly string[]): string {
  const between = /(<!-- baseline:begin[^>]*-->\n)[^]*?(<!-- baseline:end -->)/;
  if (!between.test(text))
    throw new Error("README.md has lost the marks between which the baseline table stands.");
  const header = [
    "<!-- prettier-ignore-start -->",
    "",
    "| what happens | the official client 7.9.5, default options | Holdfast |",
    "| --- | --- | --- |",
  ];
  const table = [...header, ...lines, "", "<!-- prettier-ignore-end -->"].join("\n");
  return text.replace(between, (_, begin: string, end: string) => `${begin}${table}\n${end}`);
}
