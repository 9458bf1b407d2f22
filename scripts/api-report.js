// Compares the built declarations of a package with its committed API reports, one report per entry point.
//   node ../../scripts/api-report.js            fails when a report is missing or differs
//   node ../../scripts/api-report.js --update   writes the reports
// Runs in a package's folder, after the build.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";

const folder = process.cwd();
const update = process.argv.includes("--update");
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const shortName = manifest.name.split("/").at(-1);
const reportFolder = join(folder, "etc");
const reportTempFolder = join(folder, "temp", "api");

/** The entry points that carry types, as [report name, declaration file]. */
const entries = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === "object")
  .map(([subpath, target]) => [
    [shortName, ...subpath.split("/").slice(1)].join("."),
    resolve(folder, target.import.types),
  ]);

/** The published view: no `source` condition, so dependencies are read from their built declarations too. */
const compilerOptions = {
  target: "ES2022",
  lib: ["ES2023", "ESNext.Disposable", "DOM"],
  module: "NodeNext",
  moduleResolution: "NodeNext",
  strict: true,
  skipLibCheck: true,
  types: ["node"],
};

function report([name, declarations]) {
  if (!existsSync(declarations)) {
    console.error(`${name}: ${declarations.slice(folder.length + 1)} is missing; run the build first`);
    return false;
  }
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: declarations,
      newlineKind: "lf",
      compiler: { overrideTsconfig: { compilerOptions, files: [declarations] } },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder,
        reportTempFolder,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: "warning" } },
        extractorMessageReporting: {
          default: { logLevel: "warning", addToApiReportFile: true },
          // A type that is used but not exported stands in the report without "export"; the warning would add
          // line numbers, and then every edit above would change the report.
          "ae-forgotten-export": { logLevel: "none" },
          "ae-missing-release-tag": { logLevel: "none" },
          "ae-undocumented": { logLevel: "none" },
        },
        // ESLint and review look after comments.
        tsdocMessageReporting: { default: { logLevel: "none" } },
      },
    },
  });
  const result = Extractor.invoke(config, {
    localBuild: update,
    showVerboseMessages: false,
    messageCallback: (message) => {
      const expected = ["console-api-report-copied", "console-compiler-version-notice", "console-preamble"];
      if (expected.includes(message.messageId)) message.logLevel = "none";
    },
  });
  if (!update && result.apiReportChanged) {
    console.error(
      `${name}: the API differs from etc/${name}.api.md; run "npm run api:update" and review the difference`,
    );
  }
  return update ? result.errorCount === 0 : result.succeeded;
}

mkdirSync(reportFolder, { recursive: true });
const results = entries.map(report);
rmSync(reportTempFolder, { recursive: true, force: true });
process.exitCode = results.every(Boolean) ? 0 : 1;
