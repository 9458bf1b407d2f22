import { backoff, badOption, presets, type Policy, type PolicyOptions } from "@holdfast/core";

/**
 * The operations that have a policy.
 *
 * - `signalr.start`: connecting for the first time after `start()`. What cannot be mended fails at once.
 * - `signalr.reconnect`: connecting again. For ever, unless the server refuses the client itself.
 */
export type SignalROperation = "signalr.start" | "signalr.reconnect";

/** The policies of a connection. A registry made by `policies()` fits too; this one brings no request engine to a browser. */
export interface SignalRPolicies {
  /** The policy in force for a key, if there is one. */
  lookup(operation: string): Policy | undefined;
  /** The keys. */
  readonly operations: readonly SignalROperation[];
  /** Changes options while connections are in use; the next fault meets the new policy. */
  update(changes: Partial<Readonly<Record<SignalROperation, PolicyOptions>>>): void;
}

// At a connection limit every attempt is refused until somebody leaves: no more than ten a minute from each client.
const throttledBackoff = backoff.equal({ baseMs: 5_000, capMs: 30_000 });

// Decorrelated jitter 1 … 10 s with a random first delay is the preset's: the flattest peak when a crowd returns.
const start = presets.reconnect.with({ throttledBackoff, on: { unknown: "retry" } });

const reconnect = start.with({
  on: {
    // During a deployment a gateway knows no hub for a while; a connection that once stood is worth asking again.
    "not-found": "retry",
    auth: { action: "refresh", limit: 5 },
  },
});

/**
 * The default policies, with some options replaced.
 *
 * ```ts
 * const retry = signalrPolicies({ "signalr.start": { deadlineMs: 60_000 } });
 * new HubConnectionBuilder().withUrl(url).withResilience({ policies: retry }).build();
 * ```
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function signalrPolicies(
  changes: Partial<Readonly<Record<SignalROperation, PolicyOptions>>> = {},
): SignalRPolicies {
  const inForce: Record<string, Policy> = { "signalr.start": start, "signalr.reconnect": reconnect };
  const operations = Object.keys(inForce) as SignalROperation[];
  const table: SignalRPolicies = {
    operations,
    lookup: (operation) => inForce[operation],
    update: (next) => {
      // All are built before any takes effect: a bad option changes nothing.
      const built = Object.entries(next).map(([operation, options]) => {
        const policy = inForce[operation];
        if (policy === undefined) throw badOption("operation", operation, `one of ${operations.join(", ")}`);
        return [operation, policy.with(options)] as const;
      });
      for (const [operation, policy] of built) inForce[operation] = policy;
    },
  };
  table.update(changes);
  return Object.freeze(table);
}
