import { systemClock } from "@holdfast/core";

/**
 * How long WebSockets are tried first where AMQP's own port did not answer, in milliseconds: as RFC 8305, section 9.2, and
 * RFC 6555, section 4.2, remember which way works. The next connection after it tries AMQP first again.
 */
export const rememberedMs = 600_000;

// Shared by two installed copies of this package: until when, by the monotonic clock, for each `host:port`.
const key = Symbol.for("holdfast/1/service-bus-ways");
const places = globalThis as unknown as Record<symbol, Map<string, number> | undefined>;
const until: Map<string, number> = (places[key] ??= new Map<string, number>());

/** What the process knows of the ways to its namespaces. */
export const rememberedWays = {
  /** Whether AMQP's own port was found closed a while ago, and WebSockets open. */
  prefersWebSockets(place: string): boolean {
    return (until.get(place) ?? -Infinity) > systemClock.now();
  },
  preferWebSockets(place: string): void {
    until.set(place, systemClock.now() + rememberedMs);
  },
  forget(place: string): void {
    until.delete(place);
  },
};
