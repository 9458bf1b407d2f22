import type { ServiceBusSender } from "@azure/service-bus";
import type { Clock } from "@holdfast/core";
import type { ConnectionPool, Generation } from "./connection-pool.ts";
import { Transfers } from "./transfers.ts";

/** An official sender and the connection it belongs to. */
export interface BoundSender {
  readonly sender: ServiceBusSender;
  readonly generation: Generation;
  readonly transfers: Transfers;
  /** The connection has ended. */
  readonly lost: () => void;
  /** When the service last answered on this link. */
  answeredAt: number;
  /** When this link was last known to be open. */
  openAt: number;
}

/** Who hears what becomes of it. */
interface BoundSenderListener {
  /** The service has answered a transfer. */
  answered(bound: BoundSender): void;
  /** No answer came to what began at `since`. */
  unanswered(bound: BoundSender, since: number, error: Error): void;
  /** Its connection has ended. */
  lost(bound: BoundSender): void;
}

/** Binds an official sender to the connection that it was made on. */
export function bindSender(
  sender: ServiceBusSender,
  generation: Generation,
  pool: ConnectionPool,
  clock: Clock,
  listener: BoundSenderListener,
): BoundSender {
  const transfers = new Transfers(sender.entityPath, clock, {
    answered: (accepted) => {
      listener.answered(bound);
      // A refusal may come from the official client itself, which found the link closed.
      bound.openAt = accepted ? bound.answeredAt : -Infinity;
    },
    unanswered: (since, error) => {
      listener.unanswered(bound, since, error);
    },
    over: () => {
      pool.end(generation);
    },
  });
  const lost = (): void => {
    listener.lost(bound);
  };
  const bound: BoundSender = {
    ...{ sender, generation, transfers, lost },
    ...{ answeredAt: -Infinity, openAt: -Infinity },
  };
  generation.lossListeners.add(lost);
  return bound;
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
