// Adds up vitest's JSON reports: node scripts/test-totals.js "Node 20=report.json" …
// One line a run, then the total as the last line; fails when a test failed, when a file did not load, when a run
// left no report, or when no test ran.
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
  // A file that does not load has no tests to fail: it counts as one failure.
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  ).length;
  const skipped = report.numPendingTests + report.numTodoTests;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded,
    note: skipped > 0 ? `, ${skipped} skipped` : "",
  };
}
