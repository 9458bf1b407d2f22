import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { deviceMutants } from "./iot/mutants.ts";
import { mutants } from "./mutants.ts";

const root = resolve(import.meta.dirname, "../..");

it.each([...mutants, ...deviceMutants])("$name: the place to break is there, once", ({ file, from }) => {
  expect(readFileSync(join(root, file), "utf8").split(from)).toHaveLength(2);
});
