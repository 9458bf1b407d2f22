import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { describe, expect, it } from "vitest";

type Example = readonly [name: string, says: string];

// Code for the official client, but for the path in its import.
const official: readonly Example[] = [
  ["queues", "received { order: 1 }\nhandled { order: 2 }\nhandled { order: 3 }"],
  ["topics", "billing: ordered { order: 1 }\nshipping: ordered { order: 1 }"],
  ["sessions", "session a: 2 steps done\nsession b: 2 steps done"],
  ["deferral", "put aside: step 2\ndone: step 1\ndone: step 2"],
  ["scheduling", "reminder: in time"],
  ["dead-letters", "bad amount: an amount is a number, not string\nback in the queue: { amount: 5 }"],
  ["rules", "{ amount: 500 } high"],
  [
    "administration",
    "deliveries: 5, messages: 0\nagain: MessageEntityAlreadyExistsError\nstill there: false",
  ],
];

// What the official client does not have.
const ours: readonly Example[] = [
  [
    "replay",
    "bad amount: an amount is a number, not string\nreplayed: 1\nback in the queue: { amount: 'five' }",
  ],
  ["processor", "first life: charged order 1\nsecond life: charged order 2"],
  ["worker-threads", "handled: 20 messages in 2 threads"],
];

const folder = fileURLToPath(new URL(".", import.meta.url));

/** What an example prints, on a simulator of its own. */
async function output(...args: readonly string[]): Promise<string> {
  const { SERVICEBUS_CONNECTION_STRING: _namespace, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--conditions=source", ...args],
    { cwd: folder, env, timeout: 80_000 },
  );
  return stdout;
}

describe.concurrent("the example", () => {
  it.each([...official, ...ours])("%s does what it says", async (name, says) => {
    expect(await output(`${name}.ts`)).toBe(`${says}\n`);
  });

  it.each(official)("%s is one import path away from the official client", async (name, says) => {
    const wrapped = await readFile(new URL(`${name}.ts`, import.meta.url), "utf8");
    const bare = wrapped.replaceAll('"@holdfast/service-bus"', '"@azure/service-bus"');
    expect(bare).not.toBe(wrapped);
    const { outputText } = ts.transpileModule(bare, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    expect(await output("--input-type=module", "--eval", outputText)).toBe(`${says}\n`);
  });
});
