import { backoff, checkBackoff, type Backoff } from "./backoff.ts";
import { faultKinds, type FaultKind } from "./fault.ts";
import { badOption, isObject } from "./holdfast-error.ts";
import { defaultRules, type Action, type Rule } from "./rules.ts";

/** What one can say about an operation; every field has a default. */
export interface PolicyOptions {
  /** Attempts in all, the first included; throttling and outages do not count (unless it is 1). Default 10; 1 or more, or Infinity. */
  readonly attempts?: number;
  /** The whole call, waits included, in milliseconds. Default 60 000; above 0, or Infinity. */
  readonly deadlineMs?: number;
  /** One attempt, in milliseconds. Default 10 000; above 0, or Infinity. */
  readonly attemptTimeoutMs?: number;
  /** Waits between attempts. Default full jitter, 100 ms … 20 s. */
  readonly backoff?: Backoff;
  /** Waits after throttling, added to the server's hint. Default full jitter, 1 … 20 s. */
  readonly throttledBackoff?: Backoff;
  /** When the outcome of an attempt is unknown: send it again (at least once; the default) or report it. */
  readonly onUnknown?: "resend" | "fail";
  /** What to do about single kinds of faults, in place of the default. */
  readonly on?: Partial<Readonly<Record<FaultKind, Action | Partial<Rule>>>>;
}

/** A policy: frozen plain data, complete, validated. */
export interface Policy extends Required<Omit<PolicyOptions, "on">> {
  readonly rules: Readonly<Record<FaultKind, Rule>>;
  /** A copy with some options replaced. Throws a `misconfigured` HoldfastError like {@link policy}. */
  with(options: PolicyOptions): Policy;
}

const actions: readonly string[] = ["retry", "refresh", "rotate", "fail"] satisfies Action[];

const defaults = Object.freeze({
  attempts: 10,
  deadlineMs: 60_000,
  attemptTimeoutMs: 10_000,
  backoff: backoff.full({ baseMs: 100, capMs: 20_000 }),
  throttledBackoff: backoff.full({ baseMs: 1_000, capMs: 20_000 }),
  onUnknown: "resend" as const,
});

const known = new Set([...Object.keys(defaults), "on"]);

/**
 * Makes a policy from options.
 *
 * @throws HoldfastError `misconfigured`, naming the option, the value and the allowed range.
 */
export function policy(options: PolicyOptions = {}): Policy {
  return build({ ...defaults, rules: defaultRules }, options);
}

function build(base: Omit<Policy, "with">, options: PolicyOptions): Policy {
  if (!isObject(options)) throw badOption("policy", options, "an object");
  for (const [key, value] of Object.entries(options)) {
    if (!known.has(key))
      throw badOption(`policy.${key}`, value, `left out (there are ${[...known].join(", ")})`);
  }
  const attempts = options.attempts ?? base.attempts;
  if (!(attempts === Infinity || (Number.isInteger(attempts) && attempts >= 1))) {
    throw badOption("policy.attempts", attempts, "a whole number, 1 or more, or Infinity");
  }
  const onUnknown: unknown = options.onUnknown ?? base.onUnknown;
  if (onUnknown !== "resend" && onUnknown !== "fail") {
    throw badOption("policy.onUnknown", onUnknown, '"resend" or "fail"');
  }
  const data = {
    attempts,
    deadlineMs: duration("deadlineMs", options.deadlineMs ?? base.deadlineMs),
    attemptTimeoutMs: duration("attemptTimeoutMs", options.attemptTimeoutMs ?? base.attemptTimeoutMs),
    backoff: checkBackoff("policy.backoff", options.backoff ?? base.backoff),
    throttledBackoff: checkBackoff(
      "policy.throttledBackoff",
      options.throttledBackoff ?? base.throttledBackoff,
    ),
    onUnknown,
    rules: Object.freeze({ ...base.rules, ...rulesFrom(base.rules, options.on ?? {}) }),
  } satisfies Omit<Policy, "with">;
  // Not enumerable: a policy stays plain data to whoever prints, compares or serialises it.
  return Object.freeze(
    Object.defineProperty(data, "with", { value: (changes: PolicyOptions) => build(data, changes) }),
  ) as Policy;
}

function rulesFrom(base: Policy["rules"], on: NonNullable<PolicyOptions["on"]>): Partial<Policy["rules"]> {
  const rules: Partial<Record<FaultKind, Rule>> = {};
  if (!isObject(on)) throw badOption("policy.on", on, `keyed by ${faultKinds.join(", ")}`);
  for (const [key, value] of Object.entries(on)) {
    const kind = faultKinds.find((one) => one === key);
    if (kind === undefined) throw badOption("policy.on", key, `keyed by ${faultKinds.join(", ")}`);
    const changes = isObject(value) ? (value as Partial<Rule>) : { action: value as Action };
    const rule = { ...base[kind], ...limitOf(changes.action), ...changes };
    checkRule(`policy.on.${kind}`, rule);
    rules[kind] = Object.freeze(rule);
  }
  return rules;
}

function checkRule(name: string, rule: Rule): void {
  const { action, limit, counts, ...others } = rule;
  for (const [key, value] of Object.entries(others)) {
    throw badOption(`${name}.${key}`, value, "left out (there are action, limit, counts)");
  }
  if (!actions.includes(action)) throw badOption(name, action, `one of ${actions.join(", ")}`);
  if (!(limit === Infinity || (Number.isInteger(limit) && limit >= 1))) {
    throw badOption(`${name}.limit`, limit, "a whole number, 1 or more, or Infinity");
  }
  if (typeof counts !== "boolean") throw badOption(`${name}.counts`, counts, "true or false");
}

/** A kind that failed by default has a limit of 1; asked to retry, it may go on until `attempts` or the deadline. */
function limitOf(action: Action | undefined): Partial<Rule> {
  return action === undefined || action === "fail" ? {} : { limit: action === "refresh" ? 2 : Infinity };
}

function duration(name: string, ms: number): number {
  if (typeof ms !== "number" || Number.isNaN(ms) || ms <= 0) {
    throw badOption(`policy.${name}`, ms, "a number of milliseconds above 0, or Infinity");
  }
  return ms;
}
