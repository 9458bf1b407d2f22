import { readFileSync } from "node:fs";
import type { LoadHook } from "node:module";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { deviceMutants } from "./iot/mutants.ts";
import { mutants } from "./mutants.ts";

const mutant = [...mutants, ...deviceMutants].find(({ name }) => name === process.env["HOLDFAST_MUTANT"]);

/** Loads one source file with a mistake in it. */
export const load: LoadHook = (url, context, nextLoad) => {
  if (mutant === undefined || !url.startsWith("file:") || !new URL(url).pathname.endsWith(mutant.file)) {
    return nextLoad(url, context);
  }
  const text = readFileSync(fileURLToPath(url), "utf8").replace(mutant.from, () => mutant.to);
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  // Not types any more, but the imports still end in ".ts", which tsx follows.
  return { format: "module", source: outputText, shortCircuit: true };
};
