import {
  badOption,
  systemClock,
  systemRandom,
  type Classify,
  type Clock,
  type EventListener,
  type FaultRow,
  type Policy,
  type Random,
} from "@holdfast/core";
import { classifyIdentity } from "./faults.ts";
import { identityPolicies, policyFrom, type OfficialRetryOptions } from "./operations.ts";

/** The part of `policies({...})` that a credential reads; a registry shared with other services fits too. */
export interface PolicySource {
  lookup(operation: string): Policy | undefined;
}

/** What a credential's `resilience` option takes; every field may be left out. */
export interface ResilienceOptions {
  /** Policies by operation key, from `identityPolicies()` or `policies()`. */
  readonly policies?: PolicySource;
  /** Rows tried before Holdfast's own when an error is classified. */
  readonly faults?: readonly FaultRow[];
  /** Receives every event, synchronously; what it throws is ignored. No event carries a token. */
  readonly onEvent?: EventListener;
  /** With less left of a token than this, the next one is waited for, in milliseconds. Default 300 000. */
  readonly awaitBelowMs?: number;
  /** How long it is waited for while the old one is good, in milliseconds. Default 10 000. */
  readonly patienceMs?: number;
  /** For tests: the time of our own waits. */
  readonly clock?: Clock;
  /** For tests: where jitter comes from. */
  readonly random?: Random;
}

/** An official credential's options, and ours. `false`: the official behaviour, unchanged, as with `HOLDFAST_BYPASS=1`. */
export type Holding<O> = O & { readonly resilience?: ResilienceOptions | false };

/** {@link ResilienceOptions}, complete. */
export interface Resilience extends Pick<ResilienceOptions, "onEvent" | "awaitBelowMs" | "patienceMs"> {
  readonly policy: () => Policy;
  readonly classify: Classify;
  readonly clock: Clock;
  readonly random: Random;
}

const known = ["policies", "faults", "onEvent", "awaitBelowMs", "patienceMs", "clock", "random"];

/**
 * Validates and completes; undefined when bypassed.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function resilienceFrom(
  options: ResilienceOptions | false | undefined,
  retryOptions?: OfficialRetryOptions,
): Resilience | undefined {
  if (options === false || process.env["HOLDFAST_BYPASS"] === "1") return undefined;
  const given = options ?? {};
  if (typeof given !== "object") throw badOption("resilience", given, "an object, or false");
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw badOption("resilience", key, `made of ${known.join(", ")}`);
  }
  const { policies, faults, clock = systemClock, random = systemRandom, ...rest } = given;
  const defaults = identityPolicies({ "identity.getToken": policyFrom(retryOptions) });
  return {
    ...rest,
    policy: () => policies?.lookup("identity.getToken") ?? defaults.for("identity.getToken").policy,
    classify: classifyIdentity(faults),
    clock,
    random,
  };
}
