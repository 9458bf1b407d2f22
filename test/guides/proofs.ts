import { wrapper, type Ledger, type LedgerRow } from "./ledger.ts";

/** What of vitest's JSON report is read. */
export interface TestReport {
  readonly testResults: readonly {
    /** The path of the file. */
    readonly name: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      /** `passed`, `failed`, or one of the words for what did not run. */
      readonly status: string;
    }[];
  }[];
}

/** A test that names a row, or a claim of it. */
export interface Proof {
  readonly file: string;
  readonly title: string;
  readonly result: "passed" | "failed" | "not run";
  /** The claim by which it proves the row; undefined when it names the row itself. */
  readonly claim: string | undefined;
}

/** A row, and what is known about it. */
export interface ProvedRow extends LedgerRow {
  readonly proofs: readonly Proof[];
  /** `proved`: a test passed and none failed. */
  readonly verdict: "proved" | "failed" | "unproved";
  /** Whether a row of this verdict fails the whole. */
  readonly isOwed: boolean;
}

const ids = /\b(?:SB|SBC|TH|SR|IOT|M)-\d{2,3}\b/g;

/** The ids of rows and claims in a text. */
export function idsIn(text: string): string[] {
  return [...new Set(text.match(ids) ?? [])];
}

/**
 * Which tests prove which row. A test names a row, or a claim of several rows, in its title or in that of a describe around
 * it.
 *
 * @param folder - what the paths of the report are told without.
 */
export function prove({ rows, claims }: Ledger, report: TestReport, folder = ""): ProvedRow[] {
  const byId = testsById(report, folder);
  return rows.map((row) => {
    const own = (byId.get(row.id) ?? []).map((test) => ({ ...test, claim: undefined }));
    const claimed = claims
      .filter((claim) => claim.rows.includes(row.id))
      .flatMap(({ id }) => (byId.get(id) ?? []).map((test) => ({ ...test, claim: id })));
    const named = new Set(own.map(keyOf));
    const proofs = [...own, ...claimed.filter((test) => !named.has(keyOf(test)))];
    const verdict = verdictOf(proofs);
    return { ...row, proofs, verdict, isOwed: row.actors.includes(wrapper) && verdict !== "proved" };
  });
}

/** Ids that tests name and the ledger does not have: misspelt, so they prove nothing. */
export function strayIds({ rows, claims }: Ledger, report: TestReport): string[] {
  const known = new Set([...rows, ...claims].map(({ id }) => id));
  return [...testsById(report, "").keys()].filter((id) => !known.has(id)).sort();
}

type Test = Omit<Proof, "claim">;

const keyOf = ({ file, title }: Test): string => `${file}\n${title}`;

function testsById({ testResults }: TestReport, folder: string): Map<string, Test[]> {
  const byId = new Map<string, Test[]>();
  for (const { name, assertionResults } of testResults) {
    const file = name.startsWith(folder) ? name.slice(folder.length) : name;
    for (const { ancestorTitles, title, status } of assertionResults) {
      const whole = [...ancestorTitles, title].join(" › ");
      const test: Test = { file, title: whole, result: resultOf(status) };
      for (const id of idsIn(whole)) byId.set(id, [...(byId.get(id) ?? []), test]);
    }
  }
  return byId;
}

function resultOf(status: string): Proof["result"] {
  return status === "passed" || status === "failed" ? status : "not run";
}

function verdictOf(proofs: readonly Proof[]): ProvedRow["verdict"] {
  if (proofs.some(({ result }) => result === "failed")) return "failed";
  return proofs.some(({ result }) => result === "passed") ? "proved" : "unproved";
}
