import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Listr, type ListrTask } from "listr2";
import { json, table, type Outcome, type ScenarioResult } from "./report.ts";
import { scenarios, type Scenario } from "./scenarios.ts";
import { Senders } from "./senders.ts";
import type { Scene } from "./service.ts";
import type { Tally } from "./tally.ts";
import { namespaceService } from "./bus-service.ts";
import { variants, type Variant } from "./work.ts";

const cutMs = 40_000;
// How often one looks, in milliseconds. A busy machine looks later, and then gives every order as much longer.
const lookMs = 100;

const args = readArguments();
const given = process.env["SERVICEBUS_CONNECTION_STRING"];
const connectionString = given === "" ? undefined : given;
const work: readonly Scenario[] =
  connectionString === undefined
    ? scenarios
    : [
        {
          name: "no-faults",
          title: "the same work, no faults, on your namespace",
          service: "service-bus",
          start: () =>
            Promise.resolve(
              namespaceService(connectionString, process.env["SERVICEBUS_QUEUE"] ?? "holdfast-demo"),
            ),
        },
      ];

const senders = new Senders();
const stopped = new AbortController();
setMaxListeners(0, stopped.signal); // Every scenario listens.
// npm passes the signal on, so it may come twice.
process.on("SIGINT", () => {
  stopped.abort();
});

try {
  const results = await demonstrate();
  console.log(args.json ? json(results) : table(results, cutMs));
} catch (error) {
  console.error(stopped.signal.aborted ? "Stopped." : `The demo cannot go on: ${(error as Error).message}`);
  process.exitCode = stopped.signal.aborted ? 130 : 1;
} finally {
  senders.kill();
}

/** Runs every scenario with both clients, all at the same time. */
async function demonstrate(): Promise<ScenarioResult[]> {
  const outcomes = new Map<string, Outcome>();
  const tasks = work.flatMap((scenario) =>
    variants.map((variant): ListrTask => ({
      title: `${scenario.title} · ${variant === "bare" ? "official client" : "Holdfast"}`,
      task: async (_, task) => {
        const outcome = await play(scenario, variant, (text) => {
          // Without a terminal to redraw, every change would be a line.
          if (process.stdout.isTTY) task.output = text;
        });
        outcomes.set(`${variant} ${scenario.name}`, outcome);
      },
    })),
  );
  await new Listr(tasks, {
    concurrent: connectionString === undefined,
    renderer: args.json ? "silent" : "default",
    fallbackRenderer: "simple",
    registerSignalListeners: false,
  }).run();
  const outcome = (variant: Variant, { name }: Scenario): Outcome => {
    const found = outcomes.get(`${variant} ${name}`);
    if (found === undefined) throw new Error(`No outcome for ${variant} in ${name}.`);
    return found;
  };
  return work.map((scenario) => ({
    name: scenario.name,
    title: scenario.title,
    service: scenario.service,
    outcomes: { bare: outcome("bare", scenario), wrapped: outcome("wrapped", scenario) },
  }));
}

/** One client in one scenario, until every call has settled or the time is up. */
async function play(scenario: Scenario, variant: Variant, show: (text: string) => void): Promise<Outcome> {
  await using service = await scenario.start();
  const { orders = 100, everyMs = 50 } = scenario;
  const tally = senders.tally(variant, scenario.name);
  const run = randomUUID();
  const scene: Scene = {
    ...{ run, orders, everyMs, stopped: stopped.signal },
    begun: begun(tally, variant),
    sent: (order) => {
      tally.take({ type: "sent", scenario: scenario.name, order });
    },
  };
  const faults = service.arrange(scene).catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error;
  });
  senders.start(variant, { scenario: scenario.name, target: service.target, run, count: orders, everyMs });
  const isDone = (): boolean => tally.sent === orders && tally.pending === 0;
  while (!isDone() && tally.longestWaitLooks * lookMs < cutMs && !senders.isGone(variant)) {
    await sleep(lookMs, undefined, { signal: stopped.signal });
    tally.look();
    show(
      `${String(tally.sent - tally.pending)} of ${String(orders)} settled, ${String(tally.errors)} rejected`,
    );
  }
  await faults;
  const figures = tally.figures(await service.storedOrders(run));
  return { ...figures, pending: tally.pending, gone: senders.isGone(variant) };
}

async function begun(tally: Tally, variant: Variant): Promise<void> {
  while (!tally.hasBegun && !stopped.signal.aborted && !senders.isGone(variant)) await sleep(20);
}

function readArguments(): { readonly json: boolean } {
  try {
    return parseArgs({ options: { json: { type: "boolean", default: false } } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run demo [-- --json]`);
    process.exit(2);
  }
}
