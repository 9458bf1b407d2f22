// Adds up vitest's JSON reports: node scripts/test-totals.js "Node 20=report.json" …
// One line a run, then the total as the last line. Whatever vitest's own counts leave out is a failure here: a file
// that did not load, a test that never finished because its process died, a run without a report, a run that failed
// although its tests passed (an error outside of them; the caller leaves "<report>.failed"), and, where
// HOLDFAST_REQUIRE_SYSTEM_TESTS=1 says that everything is installed, a test that was skipped.
import { existsSync, readFileSync } from "node:fs";

let passed = 0;
let failed = 0;
for (const run of process.argv.slice(2)) {
  const [label, file] = run.split("=");
  const result = count(file);
  console.log(`${label}: ${result.passed} passed, ${result.failed} failed${result.note}`);
  passed += result.passed;
  failed += result.failed;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;

function count(file) {
  if (!existsSync(file)) return { passed: 0, failed: 1, note: " (the run left no report)" };
  const report = JSON.parse(readFileSync(file, "utf8"));
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  const unfinished = report.numTotalTests - passed - report.numFailedTests - skipped;
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  ).length;
  const mustRun = process.env.HOLDFAST_REQUIRE_SYSTEM_TESTS === "1" ? skipped : 0;
  const failed = report.numFailedTests + unfinished + unloaded + mustRun;
  const notes = [
    unfinished > 0 && `${unfinished} of them never finished`,
    unloaded > 0 && `${unloaded} of them files that did not load`,
    skipped > 0 && `${skipped} skipped`,
  ].filter(Boolean);
  if (failed === 0 && existsSync(`${file}.failed`)) {
    return { passed, failed: 1, note: " (an error outside of the tests)" };
  }
  return { passed, failed, note: notes.length > 0 ? ` (${notes.join(", ")})` : "" };
}
