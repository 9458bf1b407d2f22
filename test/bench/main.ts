// npm run bench -- <name> [--json] [--check]
import { parseArgs } from "node:util";
import { herdBench } from "./herd.ts";
import { iotBench } from "./iot.ts";
import { models } from "./models.ts";
import { policyBench } from "./policy.ts";
import { receiveBench } from "./receive.ts";
import { sendBench } from "./send.ts";
import { signalrBench } from "./signalr.ts";
import { table, type Result } from "./result.ts";

/** Every bench, by the name it is called with. */
const benches: Readonly<Record<string, () => Promise<readonly Result[]>>> = {
  herd: herdBench,
  iot: iotBench,
  models,
  policy: policyBench,
  receive: receiveBench,
  send: sendBench,
  signalr: signalrBench,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, check: { type: "boolean", default: false } },
});
const [name = ""] = positionals;
const bench = benches[name];

if (bench === undefined || positionals.length !== 1) {
  console.error(`Which bench? npm run bench -- ${Object.keys(benches).join("|")} [--json] [--check]`);
  console.error("--json: one JSON object on the last line. --check: exit code 1 when a number is missed.");
  process.exitCode = 2;
} else {
  const results = await bench();
  console.log(table(results));
  if (values.json) {
    // null for what is not required or has no interval, so that every result has the same keys.
    const complete = (_: string, value: unknown): unknown => value ?? null;
    console.log(JSON.stringify({ bench: name, results }, complete));
  }
  if (values.check && results.some(({ ok }) => ok === false)) process.exitCode = 1;
}
