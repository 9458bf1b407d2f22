// Two installed copies of this package, or its ESM and CommonJS builds side by side, count together.
const key = Symbol.for("holdfast/1/service-bus-clients");
const places = globalThis as unknown as Record<symbol, Map<string, number> | undefined>;
const live: Map<string, number> = (places[key] ??= new Map<string, number>());

/** So many clients of one namespace, each with connections of its own, are more than a process has a use for. */
const manyClients = 10;

/**
 * Counts a client as live until the result is called. The guides' most common leak is a client for each call: each opens
 * connections, of which a namespace takes so many (SBC-079).
 *
 * @param warn - called when this one makes more than {@link manyClients} for the first time since they were fewer.
 */
export function countLive(namespace: string, warn: (live: number) => void): () => void {
  const count = (live.get(namespace) ?? 0) + 1;
  live.set(namespace, count);
  // Only at the step over the limit, or each further client would warn again.
  if (count === manyClients + 1) warn(count);
  return () => {
    const left = (live.get(namespace) ?? 1) - 1;
    if (left > 0) live.set(namespace, left);
    else live.delete(namespace);
  };
}
