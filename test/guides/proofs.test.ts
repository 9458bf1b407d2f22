import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { readLedger, wrapper, type Ledger } from "./ledger.ts";
import { proofTables, shortcomings, summaryOf } from "./proof-table.ts";
import { idsIn, prove, strayIds, type TestReport } from "./proofs.ts";

// Numbers that no guide has, so that these tests prove nothing by their own titles.
const row = (id: string, more = {}) => ({
  id,
  file: "901",
  actors: [wrapper],
  documented: "A fact.",
  ...more,
});
const ledger: Ledger = {
  files: { "901": "A guide", "902": "Another" },
  claims: [{ id: "M-91", claim: "Both.", rows: ["SB-91", "SB-92"] }],
  rows: [
    row("SB-91"),
    row("SB-92"),
    row("SB-93"),
    row("SB-94", { actors: ["docs only"] }),
    row("SB-95", { fallsShort: "only by day" }),
  ],
};
const test = (title: string, status = "passed", ancestorTitles: string[] = []) => ({
  title,
  status,
  ancestorTitles,
});
const reportOf = (...assertionResults: ReturnType<typeof test>[]): TestReport => ({
  testResults: [{ name: "/here/test/a.test.ts", assertionResults }],
});
const verdicts = (report: TestReport) =>
  Object.fromEntries(prove(ledger, report).map(({ id, verdict }) => [id, verdict]));

describe("a row", () => {
  it("is proved by a test that names it, in its title or a describe's", () => {
    expect(
      verdicts(reportOf(test("SB-91, SB-92 work"), test("works", "passed", ["all", "SB-93"]))),
    ).toMatchObject({
      "SB-91": "proved",
      "SB-92": "proved",
      "SB-93": "proved",
      "SB-94": "unproved",
    });
  });

  it("is proved by a test of its claim, told once when the test names both", () => {
    const [first, second] = prove(ledger, reportOf(test("M-91 SB-91 work")), "/here/");
    expect(first?.proofs).toEqual([
      { file: "test/a.test.ts", title: "M-91 SB-91 work", result: "passed", claim: undefined },
    ]);
    expect(second?.proofs).toMatchObject([{ claim: "M-91" }]);
  });

  it("is not proved by a test that did not run, nor while another that names it fails", () => {
    const report = reportOf(test("SB-91", "pending"), test("SB-92"), test("SB-92 again", "failed"));
    expect(verdicts(report)).toMatchObject({ "SB-91": "unproved", "SB-92": "failed" });
  });

  it("is owed when it is for the wrappers and not proved, also where it falls short", () => {
    const owed = prove(ledger, reportOf(test("SB-91"), test("SB-92"))).filter(({ isOwed }) => isOwed);
    expect(owed.map(({ id }) => id)).toEqual(["SB-93", "SB-95"]);
  });

  it("is not meant by a longer number or another word", () => {
    expect(idsIn("SB-91, (M-91) SBC-0541 XSB-92 SB-9 sb-93")).toEqual(["SB-91", "M-91"]);
  });
});

it("a test that names what the ledger does not have is told", () => {
  expect(strayIds(ledger, reportOf(test("SB-91"), test("SB-99, TH-99 work")))).toEqual(["SB-99", "TH-99"]);
});

it("the table shows each row with its tests, and what is left", () => {
  const rows = prove(ledger, reportOf(test("SB-91 works"), test("SB-92", "failed")), "/here/");
  const shown = proofTables(ledger, rows, 120);
  expect(shown).toContain("901 A guide");
  expect(shown).not.toContain("902 Another");
  expect(shown).toContain("✓ test/a.test.ts: SB-91 works");
  expect(shown).toContain("falls short: only by day");
  expect(shown).toMatch(/SB-94.*docs only/);
  expect(Math.max(...shown.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  expect(shortcomings(rows)).toEqual([
    "SB-92 failed",
    "SB-93 unproved",
    "SB-95 unproved",
    "SB-95 falls short: only by day",
  ]);
  expect(summaryOf(rows)).toBe(
    "5 rows: 1 proved; of the 4 for the wrappers 1 proved, 3 not, 1 fall short in part.",
  );
});

describe("the ledger", () => {
  it("has each row once, of a guide that it names, and claims of rows that exist", async () => {
    const { files, rows, claims } = await readLedger();
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(rows.map(({ file }) => file))).toEqual(new Set(Object.keys(files)));
    expect(claims.flatMap((claim) => claim.rows).filter((id) => !ids.includes(id))).toEqual([]);
    for (const { id } of [...rows, ...claims]) expect(idsIn(id)).toEqual([id]);
  });

  it("has every claim that a test here is named after", async () => {
    const { claims } = await readLedger();
    const named = (await readdir(new URL(".", import.meta.url))).flatMap((file) =>
      /^m-\d+/.test(file) ? [file.slice(0, 4).toUpperCase()] : [],
    );
    expect(named.filter((id) => !claims.some((claim) => claim.id === id))).toEqual([]);
  });
});
