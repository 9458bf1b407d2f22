import type { ServiceBusSender } from "@azure/service-bus";
import type { Generation } from "./connection-pool.ts";
import type { Transfers } from "./transfers.ts";

/** An official sender and the connection it belongs to. */
export interface BoundSender {
  readonly sender: ServiceBusSender;
  readonly generation: Generation;
  readonly transfers: Transfers;
  /** When the service last answered on this link. */
  answeredAt: number;
  /** When this link was last known to be open. */
  openAt: number;
}

/** Whether its connection has been given up, or takes no more links and this one is not on it yet. */
export function mustMove({ generation: { state }, answeredAt }: BoundSender): boolean {
  const isGivenUp = state === "retired" || state === "closed";
  return isGivenUp || (answeredAt === -Infinity && (state === "exhausted" || state === "outdated"));
}
