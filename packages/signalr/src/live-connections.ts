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

/** The frames of the caller's code. */
export function stackHere(): string {
  const lines = (new Error().stack ?? "").split("\n").filter((line) => /^\s*at |@/.test(line));
  const theirs = lines.filter(
    (line) => !line.includes("holdfast/packages/signalr/") && !line.includes("@holdfast/signalr"),
  );
  return (theirs.length > 0 ? theirs : lines).slice(0, 8).join("\n");
}

/** What to say about too many connections. */
export function manyConnections({ live: count, builtAt }: ConnectionsEvent): string {
  return (
    `${String(count)} SignalR connections are live in this process and none was stopped. Stop those that are no longer ` +
    `used, or share one (sharedHubConnection, withHubConnection). They were built at:\n${builtAt.join("\n\n")}`
  );
}
