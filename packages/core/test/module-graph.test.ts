import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const source = new URL("../src/", import.meta.url);
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

it("core imports itself and p-retry, nothing else: no SDK, no Node builtin", () => {
  const imported = new Set<string>();
  for (const file of files) {
    const text = readFileSync(new URL(file, source), "utf8");
    for (const [, name] of text.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*["']([^"']+)["']/g)) {
      if (name !== undefined && !name.startsWith(".")) imported.add(name);
    }
  }
  // #secrets is one of two files of its own.
  expect([...imported].sort()).toEqual(["#secrets", "p-retry"]);
});

it("core names no global that a browser lacks", () => {
  for (const file of files) {
    const text = readFileSync(new URL(file, source), "utf8");
    expect(text, file).not.toMatch(/\b(?:(?:process|Buffer)\.\w|(?:setImmediate|require)\()/);
  }
});
