import {
  badOption,
  sharedBreaker,
  sharedBudget,
  sharedGate,
  sharedTimers,
  systemClock,
  systemRandom,
  type Breaker,
  type BreakerOptions,
  type Budget,
  type BudgetOptions,
  type Classify,
  type Clock,
  type EventListener,
  type FaultRow,
  type Gate,
  type Policy,
  type Random,
} from "@holdfast/core";
import type { RetryOptions } from "@azure/service-bus";
import { classifyServiceBus } from "./faults.ts";
import { knownEntities, withSuggestion, type KnownEntities } from "./known-entities.ts";
import { policiesFrom, type ServiceBusOperation } from "./operations.ts";
import { throttleWatch } from "./throttle-watch.ts";

/** The part of `policies({...})` that a client reads; a registry shared with other services fits too. */
export interface PolicySource {
  lookup(operation: string): Policy | undefined;
  readonly operations: readonly string[];
}

/** What `new ServiceBusClient(…, { resilience })` takes; every field may be left out. */
export interface ResilienceOptions {
  /**
   * Policies by operation key, from `serviceBusPolicies()` or `policies()`. Operations that it does not name keep the
   * default, or what the official `retryOptions` say.
   */
  readonly policies?: PolicySource;
  /**
   * Whether concurrent single sends to one entity may share transfers: faster, and each call still gets its own outcome.
   * Default true.
   */
  readonly coalesce?: boolean;
  /**
   * Distinct entities, or links, that one connection may serve before the next is opened; the service allows 1000.
   * Default 900; 1 to 1000.
   */
  readonly tokensPerConnection?: number;
  /**
   * Whether the client shares its connections with all clients of the process that have this option, the same namespace, the
   * same credential (the same connection string, or the same object) and the same options of connecting. Default false.
   * `updateCredential()` of one is of all then.
   */
  readonly shareConnections?: boolean;
  /**
   * Never spends more credits a second than this on the namespace, all clients of the process together: 1 for a message,
   * 10 for a management call. Off by default; without it the pace adapts once the service throttles. For a namespace that
   * this process has to itself, or its share of one. `creditPacing.standard` is the service's 1000.
   */
  readonly pacing?: { readonly creditsPerSecond: number };
  /** Bounds the retries of the namespace, all clients of the process together. Off by default. */
  readonly budget?: BudgetOptions;
  /** Refuses sends to the namespace for a while after too many have failed. Off by default. */
  readonly breaker?: BreakerOptions;
  /** Rows tried before Holdfast's own when an error is classified. */
  readonly faults?: readonly FaultRow[];
  /** Receives every event, synchronously; what it throws is ignored. */
  readonly onEvent?: EventListener;
  /** How long `close()` lets work in hand finish, in milliseconds. Default 10 000; 0 or more. */
  readonly closeTimeoutMs?: number;
  /**
   * When nothing came to a receiver for so long although it has room, it looks whether messages wait, and replaces a link that
   * is deaf. A look costs 10 credits. In milliseconds, default 60 000; `false` for never.
   */
  readonly stallAfterMs?: number | false;
  /** For tests: the time of our own waits (the official client's timers keep real time). */
  readonly clock?: Clock;
  /** For tests: where jitter comes from. */
  readonly random?: Random;
}

/** {@link ResilienceOptions}, complete. */
export interface Resilience {
  readonly policy: (operation: ServiceBusOperation) => Policy;
  readonly classify: Classify;
  /** Shared by every client of the namespace in this process. */
  readonly entities: KnownEntities;
  readonly onEvent: EventListener | undefined;
  readonly closeTimeoutMs: number;
  /** Infinity for never. */
  readonly stallAfterMs: number;
  readonly coalesce: boolean;
  readonly tokensPerConnection: number;
  readonly shareConnections: boolean;
  /** Shared by every client of the namespace in this process. */
  readonly gate: Gate;
  readonly budget: Budget | undefined;
  readonly breaker: Breaker | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const known = [
  "pacing",
  "budget",
  "breaker",
  "policies",
  "coalesce",
  "tokensPerConnection",
  "shareConnections",
  "faults",
  "onEvent",
  "closeTimeoutMs",
  "stallAfterMs",
  "clock",
  "random",
];

/**
 * Validates and completes.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function resilienceFrom(
  options: ResilienceOptions,
  retryOptions: RetryOptions | undefined,
  namespace: string,
): Resilience {
  if (typeof options !== "object" || (options as unknown) === null) {
    throw badOption("resilience", options, "an object, or false");
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw badOption("resilience", key, `made of ${known.join(", ")}`);
  }
  const { closeTimeoutMs = 10_000, onEvent, coalesce = true, tokensPerConnection = 900 } = options;
  const { shareConnections = false } = options;
  if (typeof shareConnections !== "boolean") {
    throw badOption("resilience.shareConnections", shareConnections, "true or false");
  }
  if (typeof coalesce !== "boolean") throw badOption("resilience.coalesce", coalesce, "true or false");
  if (!Number.isInteger(tokensPerConnection) || tokensPerConnection < 1 || tokensPerConnection > 1_000) {
    throw badOption("resilience.tokensPerConnection", tokensPerConnection, "a whole number from 1 to 1000");
  }
  if (typeof closeTimeoutMs !== "number" || !(closeTimeoutMs >= 0)) {
    throw badOption("resilience.closeTimeoutMs", closeTimeoutMs, "a number of milliseconds, 0 or more");
  }
  if (onEvent !== undefined && typeof onEvent !== "function") {
    throw badOption("resilience.onEvent", onEvent, "a function");
  }
  const { stallAfterMs = 60_000 } = options;
  if (stallAfterMs !== false && !(typeof stallAfterMs === "number" && stallAfterMs > 0)) {
    throw badOption("resilience.stallAfterMs", stallAfterMs, "a number of milliseconds above 0, or false");
  }
  const key = `service-bus:${namespace}`;
  const entities = knownEntities(namespace);
  const timed = options.clock && { clock: options.clock };
  const defaults = policiesFrom(retryOptions);
  checkOperations(options.policies, defaults.operations);
  return {
    policy: (operation) => options.policies?.lookup(operation) ?? (defaults.lookup(operation) as Policy),
    classify: withSuggestion(classifyServiceBus(options.faults), entities),
    entities,
    onEvent: onEvent && throttleWatch(onEvent, namespace, options.clock ?? systemClock),
    closeTimeoutMs,
    stallAfterMs: stallAfterMs === false ? Infinity : stallAfterMs,
    coalesce,
    tokensPerConnection,
    shareConnections,
    gate: sharedGate(key, { ...timed, ...(options.pacing && { pacing: options.pacing }) }),
    budget: options.budget && sharedBudget(key, { ...timed, ...options.budget }),
    breaker: options.breaker && sharedBreaker(key, { ...timed, ...options.breaker }),
    clock: options.clock ?? sharedTimers,
    random: options.random ?? systemRandom,
  };
}

/** A misspelt key would silently leave the default in force. */
function checkOperations(source: PolicySource | undefined, operations: readonly string[]): void {
  if (source === undefined) return;
  if (typeof source.lookup !== "function") {
    throw badOption("resilience.policies", source, "made by serviceBusPolicies() or policies()");
  }
  const stray = source.operations.find((key) => key.startsWith("serviceBus.") && !operations.includes(key));
  if (stray !== undefined) throw badOption("resilience.policies", stray, `keyed by ${operations.join(", ")}`);
}
