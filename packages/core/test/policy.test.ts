import { describe, expect, it } from "vitest";
import { backoff } from "../src/backoff.ts";
import { HoldfastError } from "../src/holdfast-error.ts";
import { policy, type PolicyOptions } from "../src/policy.ts";
import { defaultRules } from "../src/rules.ts";

describe("a policy", () => {
  it("is complete, frozen plain data", () => {
    const made = policy();
    expect(made).toMatchObject({
      attempts: 10,
      deadlineMs: 60_000,
      attemptTimeoutMs: 10_000,
      onUnknown: "resend",
    });
    expect(made.rules).toEqual(defaultRules);
    for (const part of [made, made.rules, made.rules.auth, made.backoff])
      expect(Object.isFrozen(part)).toBe(true);
    expect(structuredClone({ ...made })).toEqual(
      JSON.parse(JSON.stringify({ ...made, rules: made.rules }), revive),
    );
  });

  it("gives a copy with some options replaced, and stays as it was", () => {
    const base = policy({ attempts: 3, deadlineMs: 5_000 });
    const changed = base.with({ deadlineMs: 9_000 }).with({ onUnknown: "fail" });
    expect(changed).toMatchObject({ attempts: 3, deadlineMs: 9_000, onUnknown: "fail" });
    expect(base).toMatchObject({ attempts: 3, deadlineMs: 5_000, onUnknown: "resend" });
  });

  it("is not changed by what the caller does to the options afterwards", () => {
    const options = {
      on: { unknown: { limit: 5 } },
      backoff: { shape: "full", baseMs: 5, capMs: 9 },
    } as const;
    const made = policy(options);
    Object.assign(options.on.unknown, { limit: 1 });
    Object.assign(options.backoff, { baseMs: 1 });
    expect(made.rules.unknown.limit).toBe(5);
    expect(made.backoff).toMatchObject({ baseMs: 5 });
  });

  it("takes an option of undefined for one that was left out", () => {
    expect(policy({ attempts: undefined } as unknown as PolicyOptions).attempts).toBe(10);
  });

  it("accepts what is unlimited", () => {
    const made = policy({ attempts: Infinity, deadlineMs: Infinity, attemptTimeoutMs: Infinity });
    expect(made).toMatchObject({ attempts: Infinity, deadlineMs: Infinity, attemptTimeoutMs: Infinity });
  });
});

describe("what to do about single kinds", () => {
  it("takes an action alone: asked to retry, a kind that failed may go on until the deadline", () => {
    expect(policy({ on: { quota: "retry" } }).rules.quota).toEqual({
      action: "retry",
      limit: Infinity,
      counts: true,
    });
    expect(policy({ on: { auth: "fail" } }).rules.auth.action).toBe("fail");
    expect(policy({ on: { quota: "refresh" } }).rules.quota).toMatchObject({ action: "refresh", limit: 2 });
  });

  it("means the same whether the action stands alone or in a rule", () => {
    expect(policy({ on: { quota: { action: "retry" } } }).rules).toEqual(
      policy({ on: { quota: "retry" } }).rules,
    );
    expect(policy({ on: { quota: { action: "retry", limit: 4 } } }).rules.quota.limit).toBe(4);
  });

  it("changes parts of a rule and leaves the other kinds alone", () => {
    const { rules } = policy({ on: { unknown: { limit: 5 } } });
    expect(rules).toEqual({ ...defaultRules, unknown: { action: "retry", limit: 5, counts: true } });
  });

  it("builds on the policy that it changes, not on the defaults", () => {
    const strict = policy({ on: { unknown: "fail", timeout: { limit: 5 } } });
    const changed = strict.with({ on: { timeout: { counts: false } } });
    expect(changed.rules.unknown.action).toBe("fail");
    expect(changed.rules.timeout).toEqual({ action: "retry", limit: 5, counts: false });
  });
});

describe("an option that is out of range", () => {
  const duration = "a number of milliseconds above 0, or Infinity";
  it.each([
    [{ attempts: 0 }, "policy.attempts", "a whole number, 1 or more, or Infinity", "0"],
    [{ attempts: 1.5 }, "policy.attempts", "a whole number", "1.5"],
    [{ attempts: Number.NaN }, "policy.attempts", "a whole number", "NaN"],
    [{ attempts: "3" }, "policy.attempts", "a whole number", '"3"'],
    [{ deadlineMs: 0 }, "policy.deadlineMs", duration, "0"],
    [{ deadlineMs: -1 }, "policy.deadlineMs", duration, "-1"],
    [{ deadlineMs: "60s" }, "policy.deadlineMs", duration, '"60s"'],
    [{ attemptTimeoutMs: 0 }, "policy.attemptTimeoutMs", duration, "0"],
    [{ attemptTimeoutMs: Number.NaN }, "policy.attemptTimeoutMs", duration, "NaN"],
    [{ onUnknown: "drop" }, "policy.onUnknown", '"resend" or "fail"', '"drop"'],
    [{ backoff: 5 }, "policy.backoff", "made by backoff.full", "5"],
    [{ backoff: { shape: "linear" } }, "policy.backoff.shape", '"full", "equal"', '"linear"'],
    [{ backoff: { shape: "full", baseMs: 0, capMs: 1 } }, "policy.backoff.baseMs", "1 or more", "0"],
    [
      { throttledBackoff: { shape: "full", baseMs: 9, capMs: 1 } },
      "policy.throttledBackoff.capMs",
      "9 or more",
      "1",
    ],
    [{ on: { quotas: "retry" } }, "policy.on", "keyed by transient", '"quotas"'],
    [{ on: { quota: "again" } }, "policy.on.quota", "one of retry, refresh, rotate, fail", '"again"'],
    [{ on: { quota: { limit: 0 } } }, "policy.on.quota.limit", "a whole number, 1 or more", "0"],
    [{ on: { quota: { counts: "no" } } }, "policy.on.quota.counts", "true or false", '"no"'],
    [{ on: { quota: { limt: 3 } } }, "policy.on.quota.limt", "left out", "3"],
    [{ on: { quota: 7 } }, "policy.on.quota", "one of retry, refresh, rotate, fail", "7"],
    [{ on: { quota: null } }, "policy.on.quota", "one of retry, refresh, rotate, fail", "null"],
    [{ on: 5 }, "policy.on", "keyed by", "5"],
    [{ atempts: 3 }, "policy.atempts", "attempts, deadlineMs", "3"],
    [5, "policy", "an object", "5"],
    [null, "policy", "an object", "null"],
  ])("%j is refused by name, value and allowed range", (options, name, allowed, value) => {
    const make = () => policy(options as PolicyOptions);
    expect(make).toThrow(HoldfastError);
    const message = messageOf(make);
    expect(message.startsWith(`${name} must be `), message).toBe(true);
    expect(message).toContain(allowed);
    expect(message.endsWith(`; got ${value}.`), message).toBe(true);
    expect(() => policy().with(options as PolicyOptions)).toThrow(message);
  });

  it("is refused with the code misconfigured", () => {
    expect(() => policy({ backoff: backoff.full({ baseMs: -1, capMs: 1 }) })).toThrow(
      expect.objectContaining({ code: "misconfigured", name: "HoldfastError" }),
    );
  });
});

function messageOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was thrown";
}

/** JSON has no Infinity. */
function revive(_key: string, value: unknown): unknown {
  return value === null ? Infinity : value;
}
