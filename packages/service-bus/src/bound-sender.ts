import type { ServiceBusSender } from "@azure/service-bus";
import type { ConnectionPool, Generation } from "./connection-pool.ts";
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

/** Its connection has no token left for it: from now on it {@link mustMove}. */
export function turnAway(bound: BoundSender, pool: ConnectionPool): void {
  bound.answeredAt = -Infinity;
  pool.fill(bound.generation, bound.sender.entityPath);
}

/** Whether its connection has been given up, or takes no more links and this one is not on it yet. */
export function mustMove({ generation: { state }, answeredAt }: BoundSender): boolean {
  const isGivenUp = state === "retired" || state === "closed";
  return isGivenUp || (answeredAt === -Infinity && (state === "exhausted" || state === "outdated"));
}
