// npm run guides -- [--report file] [--file 001 …] [--json]
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readLedger } from "./ledger.ts";
import { proofTables, shortcomings, summaryOf } from "./proof-table.ts";
import { prove, strayIds } from "./proofs.ts";
import { provingFiles, readReport, runTests } from "./proving-tests.ts";

const usage = `npm run guides -- [--report <file>] [--file <number> …] [--json]
Prints every row of the ledger, the tests that prove it and their result.
  --report  a JSON report that vitest has written; without it the tests that name a row are run, which takes minutes
  --file    only the rows of this guide: 000, 001, 002, 003 or 004; may be repeated
  --json    the rows as JSON on standard output
Exit code 1 when a row for the client wrappers has no passing test, or a test names a row that does not exist.`;

const { values } = parseArgs({
  options: {
    report: { type: "string" },
    file: { type: "string", multiple: true },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const root = fileURLToPath(new URL("../../", import.meta.url));
const ledger = await readLedger();
const wanted = values.file ?? Object.keys(ledger.files);
const unknown = wanted.find((file) => !(file in ledger.files));

if (values.help) console.log(usage);
else if (unknown === undefined) await show();
else {
  console.error(`There is no guide ${unknown}.\n${usage}`);
  process.exitCode = 2;
}

/** The rows of these guides, and the claims that cover some. */
function namesOf(files: readonly string[]): Set<string> {
  const names = new Set(ledger.rows.filter(({ file }) => files.includes(file)).map(({ id }) => id));
  for (const { id, rows } of ledger.claims) if (rows.some((row) => names.has(row))) names.add(id);
  return names;
}

async function show(): Promise<void> {
  const report =
    values.report === undefined
      ? await runTests(root, await provingFiles(root, ["packages", "test", "examples"], namesOf(wanted)))
      : await readReport(values.report);
  const rows = prove(ledger, report, root).filter(({ file }) => wanted.includes(file));
  const strays = strayIds(ledger, report);
  if (values.json) console.log(JSON.stringify({ rows, strays }, null, 2));
  else {
    console.log(proofTables(ledger, rows, process.stdout.columns || 160));
    for (const line of shortcomings(rows)) console.log(line);
    for (const id of strays) console.log(`${id} is named by a test and is no row`);
    console.log(summaryOf(rows));
  }
  if (strays.length > 0 || rows.some(({ isOwed }) => isOwed)) process.exitCode = 1;
}
