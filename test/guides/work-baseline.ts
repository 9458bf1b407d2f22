import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { queue } from "./scenarios.ts";
import type { WorkScenario } from "./work-scenario.ts";
import { workScenarios } from "./work-scenarios.ts";

/** What the official client's process shall do. */
export interface BareWork {
  /** Its place among the scenarios. */
  readonly scenario: number;
  readonly connectionString: string;
}

/** What an application and the service saw of one scenario. */
export interface WorkSide {
  readonly told: string;
  readonly saw: string;
}

/** One scenario, with both clients. */
export interface WorkRow {
  readonly claim: string;
  readonly title: string;
  readonly bare: WorkSide;
  readonly ours: WorkSide;
}

// A receive over a dead socket takes the official client minutes; this says so and goes on.
const patienceMs = 170_000;

// What a process with the official client takes to load, so that two do not share the processor meanwhile.
const startUpMs = 2_500;

/** Does every scenario's work with both clients: ours one after the other, the official client meanwhile in processes of its own. */
export async function measureWork(isWanted: (claim: string) => boolean): Promise<WorkRow[]> {
  const rows: Promise<WorkRow>[] = [];
  for (const [scenario, { claim, title, isLong = false }] of workScenarios.entries()) {
    if (!isWanted(claim)) continue;
    const ours = measure(scenario, ourWork);
    if (!isLong) await ours;
    const bare = measure(scenario, bareWork);
    rows.push(Promise.all([bare, ours]).then(([bare, ours]) => ({ claim, title, bare, ours })));
    await sleep(startUpMs);
  }
  return await Promise.all(rows);
}

type Work = (scenario: WorkScenario, bus: ServiceBusSimulator, place: number) => Promise<string>;

async function measure(place: number, work: Work): Promise<WorkSide> {
  const scenario = workScenarios[place] as WorkScenario;
  await using bus = await serviceBus(scenario.options);
  if (scenario.messages !== undefined) {
    await using client = new ServiceBusClient(bus.connectionString);
    const sender = client.createSender(queue);
    for (const message of scenario.messages) await sender.sendMessages(message);
  }
  await scenario.arrange?.(bus);
  const told = await work(scenario, bus, place);
  return { told, saw: scenario.saw(bus) };
}

async function ourWork(
  { connect, credential, ours, work }: WorkScenario,
  bus: ServiceBusSimulator,
): Promise<string> {
  const connectionString = connect?.(bus) ?? bus.connectionString;
  const { resilience, ...options } = ours?.(bus) ?? {};
  const all = { ...options, resilience: { closeTimeoutMs: 500, ...(resilience as object) } };
  await using client =
    credential === undefined
      ? new ServiceBusClient(connectionString, all)
      : new ServiceBusClient(connectionString, credential(), all);
  return await work(client, connectionString);
}

async function bareWork(
  { connect }: WorkScenario,
  bus: ServiceBusSimulator,
  scenario: number,
): Promise<string> {
  const connectionString = connect?.(bus) ?? bus.connectionString;
  const child = fork(fileURLToPath(new URL("bare-work-process.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx", "--conditions=source"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const work: BareWork = { scenario, connectionString };
  child.send(work);
  try {
    return await new Promise<string>((resolve) => {
      const patience = setTimeout(
        () => resolve(`still waits after ${String(patienceMs / 1_000)} s`),
        patienceMs,
      );
      child.on("message", (story: string) => {
        clearTimeout(patience);
        resolve(story);
      });
      child.on("exit", () => {
        clearTimeout(patience);
        resolve("brings the process down");
      });
    });
  } finally {
    child.kill("SIGKILL");
  }
}
