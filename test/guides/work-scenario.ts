import type { ServiceBusClient as OfficialClient, ServiceBusReceivedMessage } from "@azure/service-bus";
import type { ServiceBusClientOptions } from "@holdfast/service-bus";
import type { ServiceBusOptions, ServiceBusSimulator } from "@holdfast/simulators/service-bus";
import { queue } from "./scenarios.ts";

/** A service that fails in one documented way, and work done on it, the same for both clients. */
export interface WorkScenario {
  readonly claim: string;
  readonly title: string;
  readonly options: ServiceBusOptions;
  /** Sent before the work begins. */
  readonly messages?: readonly { readonly body: unknown; readonly sessionId?: string }[];
  /** Arranges the faults, once the messages are there. */
  readonly arrange?: (bus: ServiceBusSimulator) => Promise<void> | void;
  /** What a client is given, where it is not the simulator's own connection string. */
  readonly connect?: (bus: ServiceBusSimulator) => string;
  /** Makes what both identify themselves with, where it is not in the connection string. */
  readonly credential?: () => ConstructorParameters<typeof OfficialClient>[1];
  /** What ours is told beside. */
  readonly ours?: (bus: ServiceBusSimulator) => ServiceBusClientOptions;
  /** Whether it takes so long that others begin meanwhile; it must leave the processor alone. */
  readonly isLong?: boolean;
  /** Resolves with what the application saw. */
  readonly work: (client: OfficialClient, connectionString: string) => Promise<string>;
  /** What the service saw. */
  readonly saw: (bus: ServiceBusSimulator) => string;
}

/** So much of a time as a reader needs. */
function since(startedAt: number): string {
  const ms = performance.now() - startedAt;
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** How a call ended, and after how long. */
export async function ended(call: Promise<unknown>, what: (result: unknown) => string): Promise<string> {
  const startedAt = performance.now();
  const story = await call.then(what, (error: unknown) => `rejects (${told(error)})`);
  return `${story} after ${since(startedAt)}`;
}

/** How many of many calls ended well, why the others did not, and after how long. */
export async function endedAll(calls: readonly Promise<unknown>[]): Promise<string> {
  const startedAt = performance.now();
  const outcomes = await Promise.allSettled(calls);
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  const why = [...new Set(failed.map(({ reason }) => told(reason)))].join("; ");
  const lost = failed.length === 0 ? "all resolve" : `${String(failed.length)} reject (${why})`;
  return `${lost} after ${since(startedAt)}`;
}

function told(error: unknown): string {
  const { name, code } = error as Error & { code?: string };
  return code === undefined ? `${name}, no code` : `${name}, ${code}`;
}

export async function one(client: OfficialClient): Promise<{
  message: ServiceBusReceivedMessage;
  receiver: ReturnType<OfficialClient["createReceiver"]>;
}> {
  const receiver = client.createReceiver(queue);
  const [message] = await receiver.receiveMessages(1);
  if (message === undefined) throw new Error("A message was expected.");
  return { message, receiver };
}

export const count = (number: number, what: string): string =>
  `${String(number)} ${what}${number === 1 ? "" : "s"}`;

export const times = (number: number): string =>
  number === 1 ? "once" : number === 2 ? "twice" : `${String(number)} times`;

export const dispositions = (bus: ServiceBusSimulator): string =>
  `delivered ${times(bus.journal.delivered(queue).length)}; ${
    bus.journal
      .settled(queue)
      .map(({ disposition }) => disposition)
      .join(", ") || "not settled"
  }`;
