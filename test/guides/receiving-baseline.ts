import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ServiceBusClient } from "@holdfast/service-bus";
import { serviceBus, type ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { queue } from "./scenarios.ts";
import { receivingScenarios, type ReceivingScenario } from "./receiving-scenarios.ts";

/** What the official client's process shall do. */
export interface BareWork {
  /** Its place among the scenarios. */
  readonly scenario: number;
  readonly connectionString: string;
}

/** What an application and the service saw of one scenario. */
export interface ReceivingSide {
  readonly told: string;
  readonly saw: string;
}

/** One scenario, with both clients. */
export interface ReceivingRow {
  readonly claim: string;
  readonly title: string;
  readonly bare: ReceivingSide;
  readonly ours: ReceivingSide;
}

// A receive over a dead socket takes the official client minutes; this says so and goes on.
const patienceMs = 100_000;

/** Does every scenario's work with both clients, one after the other. */
export async function measureReceiving(): Promise<ReceivingRow[]> {
  const rows: ReceivingRow[] = [];
  for (const [scenario, { claim, title }] of receivingScenarios.entries()) {
    rows.push({
      claim,
      title,
      bare: await measure(scenario, bareWork),
      ours: await measure(scenario, ourWork),
    });
  }
  return rows;
}

type Work = (scenario: number, bus: ServiceBusSimulator) => Promise<string>;

async function measure(scenario: number, work: Work): Promise<ReceivingSide> {
  const { options, messages, arrange, saw } = receivingScenarios[scenario] as ReceivingScenario;
  await using bus = await serviceBus(options);
  {
    await using client = new ServiceBusClient(bus.connectionString);
    const sender = client.createSender(queue);
    for (const message of messages) await sender.sendMessages(message);
  }
  arrange?.(bus);
  const told = await work(scenario, bus);
  return { told, saw: saw(bus) };
}

async function ourWork(scenario: number, { connectionString }: ServiceBusSimulator): Promise<string> {
  await using client = new ServiceBusClient(connectionString, { resilience: { closeTimeoutMs: 500 } });
  return await (receivingScenarios[scenario] as ReceivingScenario).work(client, connectionString);
}

async function bareWork(scenario: number, { connectionString }: ServiceBusSimulator): Promise<string> {
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
