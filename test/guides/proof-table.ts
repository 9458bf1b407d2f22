import Table from "cli-table3";
import { wrapper, type Ledger } from "./ledger.ts";
import type { Proof, ProvedRow } from "./proofs.ts";

/** The rows with their tests, a table for each guide, as wide as `columns`. */
export function proofTables(
  { files }: Pick<Ledger, "files">,
  rows: readonly ProvedRow[],
  columns: number,
): string {
  return Object.entries(files)
    .map(([file, name]) => ({ title: `${file} ${name}`, rows: rows.filter((row) => row.file === file) }))
    .filter((guide) => guide.rows.length > 0)
    .map((guide) => `${guide.title}\n${tableOf(guide.rows, columns)}`)
    .join("\n\n");
}

/** What is left to do, in a sentence for each row. */
export function shortcomings(rows: readonly ProvedRow[]): string[] {
  return [
    ...rows.filter(({ isOwed }) => isOwed).map(({ id, verdict }) => `${id} ${verdict}`),
    ...rows.flatMap(({ id, fallsShort }) =>
      fallsShort === undefined ? [] : [`${id} falls short: ${fallsShort}`],
    ),
  ];
}

/** The figures of all rows in a line. */
export function summaryOf(rows: readonly ProvedRow[]): string {
  const count = (fits: (row: ProvedRow) => boolean): string => String(rows.filter(fits).length);
  const wrappers = rows.filter(({ actors }) => actors.includes(wrapper));
  const proved = wrappers.filter(({ verdict }) => verdict === "proved").length;
  return `${String(rows.length)} rows: ${count(({ verdict }) => verdict === "proved")} proved; of the ${String(wrappers.length)} for the wrappers ${String(proved)} proved, ${count(({ isOwed }) => isOwed)} not, ${count(({ fallsShort }) => fallsShort !== undefined)} fall short in part.`;
}

const idWidth = 10;
const resultWidth = 12;

function tableOf(rows: readonly ProvedRow[], columns: number): string {
  const rest = Math.max(60, columns - idWidth - resultWidth - 5);
  const documentedWidth = Math.floor(rest * 0.35);
  const table = new Table({
    head: ["row", "documented", "tests", "result"],
    colWidths: [idWidth, documentedWidth, rest - documentedWidth, resultWidth],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const row of rows) {
    const tests = row.proofs.map(told);
    if (row.fallsShort !== undefined) tests.push(`falls short: ${row.fallsShort}`);
    const result = row.proofs.length === 0 && !row.isOwed ? row.actors[0] : row.verdict;
    table.push([row.id, row.documented, tests.join("\n"), result]);
  }
  return table.toString();
}

const marks = { passed: "✓", failed: "✗", "not run": "–" } as const;

function told({ file, title, result }: Proof): string {
  return `${marks[result]} ${file}: ${title}`;
}
