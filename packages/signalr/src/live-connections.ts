import type { ConnectionsEvent } from "./events.ts";

/** Where and for what a connection was built. */
export interface Origin {
  readonly target: string;
  readonly builtAt: string;
}

// Two installed copies of this package, or its ESM and CommonJS builds side by side, count together.
const key = Symbol.for("holdfast/1/signalr-connections");
const shared = globalThis as unknown as Record<symbol, Set<Origin> | undefined>;
const live = (shared[key] ??= new Set<Origin>());

/**
 * Counts a connection as live until the result is called. The guide's most common leak is a connection that nobody stops:
 * one for each invocation of a function.
 *
 * @param warn - called when this one makes more than `most` for the first time since they were fewer.
 */
export function countLive(origin: Origin, most: number, warn: (event: ConnectionsEvent) => void): () => void {
  live.add(origin);
  // Only at the step over the limit, or each further connection would warn again.
  if (live.size === Math.floor(most) + 1) {
    const builtAt = [...live].map((one) => one.builtAt);
    warn({
      type: "many-connections",
      operation: "signalr.start",
      target: origin.target,
      live: live.size,
      builtAt,
    });
  }
  return () => {
    live.delete(origin);
  };
}
