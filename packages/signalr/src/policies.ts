import { badOption, policy, type Policy, type PolicyOptions } from "@holdfast/core";
import { defaultPolicies, type PolicyData, type SignalROperation } from "./operations.ts";

/** The policies of a connection. A registry made by core's `policies()` fits too. */
export interface SignalRPolicies {
  /** The policy in force for a key, if there is one. */
  lookup(operation: string): Policy | undefined;
  /** The keys. */
  readonly operations: readonly SignalROperation[];
  /** Changes options while connections are in use; the next fault meets the new policy. */
  update(changes: Partial<Readonly<Record<SignalROperation, PolicyOptions>>>): void;
}

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
  const defaults = Object.entries(defaultPolicies).map(([key, data]) => [key, policyFrom(data)] as const);
  const inForce = new Map<string, Policy>(defaults);
  const operations = Object.keys(defaultPolicies) as SignalROperation[];
  const table: SignalRPolicies = {
    operations,
    lookup: (operation) => inForce.get(operation),
    update: (next) => {
      // All are built before any takes effect: a bad option changes nothing.
      const built = Object.entries(next).map(([operation, options]) => {
        const present = inForce.get(operation);
        if (present === undefined) throw badOption("operation", operation, `one of ${operations.join(", ")}`);
        return [operation, present.with(options)] as const;
      });
      for (const [operation, changed] of built) inForce.set(operation, changed);
    },
  };
  table.update(changes);
  return Object.freeze(table);
}

function policyFrom({ rules, ...options }: PolicyData): Policy {
  return policy({ ...options, on: rules });
}
