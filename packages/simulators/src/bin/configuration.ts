import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A configuration file's content. */
export interface Configuration<Options, Simulator> {
  readonly options: Options;
  /** What a module exports beside its options, to prepare the simulator: hub methods, faults. */
  readonly setup?: (simulator: Simulator) => unknown;
}

/**
 * Reads `--config`: JSON with the options, or a module with the options as default export and perhaps a function `setup`.
 * What is in it is checked where it is used.
 */
export async function readConfiguration<Options extends object, Simulator>(
  path: string | undefined,
): Promise<Configuration<Options, Simulator>> {
  if (path === undefined) return { options: {} as Options };
  if (extname(path) === ".json") return { options: JSON.parse(await readFile(path, "utf8")) as Options };
  const module = (await import(pathToFileURL(resolve(path)).href)) as {
    readonly default?: Options;
    readonly setup?: (simulator: Simulator) => unknown;
  };
  const { setup } = module;
  return { options: module.default ?? ({} as Options), ...(setup === undefined ? {} : { setup }) };
}
