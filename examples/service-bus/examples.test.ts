import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

// Each example on a simulator of its own, and what it must say.
const examples: readonly [name: string, says: string][] = [
  ["queues", "received { order: 1 }\nhandled { order: 2 }\nhandled { order: 3 }"],
  ["topics", "billing: ordered { order: 1 }\nshipping: ordered { order: 1 }"],
  ["sessions", "session a: 2 steps done\nsession b: 2 steps done"],
  ["deferral", "put aside: step 2\ndone: step 1\ndone: step 2"],
  ["scheduling", "reminder: in time"],
  [
    "dead-letters",
    "bad amount: an amount is a number, not string\nreplayed: 1\nback in the queue: { amount: 'five' }",
  ],
  ["rules", "{ amount: 500 } high"],
  ["administration", "deliveries: 5, messages: 0\nagain: conflict\nstill there: false"],
  ["processor", "first life: charged order 1\nsecond life: charged order 2"],
  ["worker-threads", "handled: 20 messages in 2 threads"],
];

it.each(examples)("%s", async (name, says) => {
  const { SERVICEBUS_CONNECTION_STRING: _namespace, ...env } = process.env;
  const main = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--conditions=source", main],
    { env, timeout: 80_000 },
  );
  expect(stdout).toBe(`${says}\n`);
});
