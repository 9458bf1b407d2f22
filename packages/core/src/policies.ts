import type { AbortSignalLike } from "./abort.ts";
import type { Attempt } from "./bounded.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { EventListener } from "./events.ts";
import { faultTable, type Classify } from "./fault-table.ts";
import type { Breaker } from "./breaker.ts";
import type { Budget } from "./budget.ts";
import type { Gate } from "./gate.ts";
import { badOption } from "./holdfast-error.ts";
import type { Lane } from "./lane.ts";
import type { Policy, PolicyOptions } from "./policy.ts";
import { systemRandom, type Random } from "./random.ts";
import { run, type RunSpec } from "./run.ts";
import { systemFaults } from "./system-faults.ts";

/** What a registry's own `run()` uses; the wrappers bring theirs. */
export interface PolicyContext {
  /** Turns errors into faults. Default: operating system, resolver, TLS and language errors only. */
  readonly classify?: Classify;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly onEvent?: EventListener;
  /** Shared by all operations of the registry; see {@link RunSpec}. Each is off unless given. */
  readonly gate?: Gate;
  readonly budget?: Budget;
  readonly breaker?: Breaker;
}

/** What one call may say besides its work. */
export interface RunOptions {
  readonly signal?: AbortSignalLike;
  /** Who goes first at the gate. Default `send`. */
  readonly lane?: Lane;
  /** What an attempt costs at the gate, in credits. Default 1. */
  readonly cost?: number;
}

/** One operation's policy, bound and ready to run. */
export interface Retry {
  /** The policy in force now. */
  readonly policy: Policy;
  /**
   * Runs `work` under the policy.
   *
   * @throws the error of the last attempt, itself; see {@link failureOf}.
   */
  run<T>(work: (attempt: Attempt) => Promise<T> | T, options?: RunOptions): Promise<T>;
}

/** Policies by operation key. Keys are checked by the compiler; the policies may change while in use. */
export interface Policies<K extends string> {
  /** The operation's retry; `target` names the queue, hub or device in events. */
  for(operation: K, target?: string): Retry;
  /** Changes options of some operations; calls that have begun keep the policy they began with. */
  update(changes: Partial<Readonly<Record<K, PolicyOptions>>>): void;
  /** The policy in force for a key, if there is one. */
  lookup(operation: string): Policy | undefined;
  /** The keys. */
  readonly operations: readonly K[];
}

/**
 * Makes the registry.
 *
 * ```ts
 * const retry = policies({ "serviceBus.send": presets.request.with({ deadlineMs: 30_000 }) });
 * const client = new ServiceBusClient(connectionString, { resilience: { policies: retry } });
 * retry.update({ "serviceBus.send": { deadlineMs: 60_000 } }); // while running
 * ```
 */
export function policies<const K extends string>(
  table: Readonly<Record<K, Policy>>,
  context: PolicyContext = {},
): Policies<K> {
  const inForce = new Map<string, Policy>(Object.entries(table));
  const operations = Object.keys(table) as K[];
  const lookup = (operation: string): Policy => {
    const found = inForce.get(operation);
    if (found === undefined) throw badOption("operation", operation, `one of ${operations.join(", ")}`);
    return found;
  };
  const surroundings = {
    classify: context.classify ?? faultTable("system", systemFaults),
    clock: context.clock ?? systemClock,
    random: context.random ?? systemRandom,
    onEvent: context.onEvent,
    gate: context.gate,
    budget: context.budget,
    breaker: context.breaker,
  } satisfies Partial<RunSpec>;
  return Object.freeze({
    operations,
    lookup: (operation: string) => inForce.get(operation),
    for: (operation: K, target = "") => {
      lookup(operation);
      return {
        get policy() {
          return lookup(operation);
        },
        run: <T>(work: (attempt: Attempt) => Promise<T> | T, options: RunOptions = {}) => {
          const { signal, lane, cost } = options;
          return run(work, {
            ...surroundings,
            ...{ operation, target, policy: lookup(operation), signal, lane, cost },
          });
        },
      };
    },
    update: (changes: Partial<Readonly<Record<K, PolicyOptions>>>) => {
      // All are built before any takes effect: a bad option changes nothing.
      const next = Object.entries<PolicyOptions | undefined>(changes).map(
        ([operation, options]) => [operation, lookup(operation).with(options ?? {})] as const,
      );
      for (const [operation, policy] of next) inForce.set(operation, policy);
    },
  });
}
