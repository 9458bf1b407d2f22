import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { idsIn, type TestReport } from "./proofs.ts";

/** The test files below `folders` that name one of `ids` anywhere, and so may have a test that does. */
export async function provingFiles(
  root: string,
  folders: readonly string[],
  ids: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !entry.name.endsWith(".test.ts") || path.includes("node_modules")) continue;
      if (idsIn(await readFile(path, "utf8")).some((id) => ids.has(id))) found.push(path);
    }
  }
  return found.sort();
}

/** Runs them, showing what vitest shows on standard error, and returns its report. */
export async function runTests(root: string, files: readonly string[]): Promise<TestReport> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-guides-"));
  const outputFile = join(folder, "report.json");
  try {
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const args = [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${outputFile}`];
    const child = spawn(process.execPath, [...args, ...files], { cwd: root, stdio: ["ignore", 2, 2] });
    // It fails when a test does; the report tells which.
    await new Promise<void>((resolve, reject) => child.on("error", reject).on("exit", () => resolve()));
    return await readReport(outputFile);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A report that vitest has written before. */
export async function readReport(path: string): Promise<TestReport> {
  return JSON.parse(await readFile(path, "utf8")) as TestReport;
}
