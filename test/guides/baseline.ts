import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { runBare } from "./bare.ts";
import { failingService, queue, scenarios, type Scenario } from "./scenarios.ts";
import { sendOurs } from "./send.ts";

// Runs every scenario to its end with both clients and writes the figures where the documentation takes them from.
// The official client needs 90 s for some, so all run at the same time.

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

const rows = await Promise.all(scenarios.map(measure));
const measured = { node: process.version, client: "@azure/service-bus 7.9.5, default options", rows };
await writeFile(new URL("baseline.json", import.meta.url), `${JSON.stringify(measured, null, 2)}\n`);
const readme = new URL("../../README.md", import.meta.url);
await writeFile(readme, withTable(await readFile(readme, "utf8"), rows.map(line)));
console.log(rows.map(line).join("\n"));

async function measure(scenario: Scenario): Promise<Row> {
  await using service = await failingService(scenario);
  await using bareService = await failingService(scenario);
  using bare = runBare(scenario, bareService);
  const { sent } = await sendOurs(scenario, service);
  await bare.done;
  const bareErrors = bare.reports.flatMap(({ error }) => (error === undefined ? [] : [error]));
  const ourErrors = sent.flatMap(({ error }) =>
    error === undefined ? [] : [error as Error & { code?: string }],
  );
  return {
    claim: scenario.claim,
    title: scenario.title,
    sends: scenario.messages.length,
    bare: sideOf(
      bare.reports.map(({ settledMs }) => settledMs),
      bareErrors,
      bareService,
    ),
    ours: sideOf(
      sent.map(({ settledMs }) => settledMs),
      ourErrors,
      service,
    ),
  };
}

function sideOf(
  settledMs: readonly number[],
  errors: readonly { name: string; code?: string | undefined }[],
  { bus }: Awaited<ReturnType<typeof failingService>>,
): Side {
  const [first] = errors;
  return {
    settledMs: Math.round(Math.max(...settledMs)),
    stored: bus.journal.stored(queue).length,
    transfers: bus.journal.attempts(queue).length,
    rejected: errors.length,
    error: first && `${first.name}${first.code === undefined ? ", no code" : `, ${first.code}`}`,
  };
}

function line({ claim, title, sends, bare, ours }: Row): string {
  return `| ${title} (${claim}) | ${told(bare, sends)} | ${told(ours, sends)} |`;
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
  return text.replace(between, (_, begin: string, end: string) => `${begin}${lines.join("\n")}\n${end}`);
}
