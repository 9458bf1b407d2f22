import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoff } from "../src/backoff.ts";
import { decide, type Progress } from "../src/decide.ts";
import { faultKinds, type Fault } from "../src/fault.ts";
import { policy } from "../src/policy.ts";
import { seededRandom } from "../src/testing.ts";

const fault = (more: Partial<Fault> = {}): Fault => ({
  kind: "transient",
  service: "test",
  id: "x",
  code: undefined,
  sent: "no",
  because: "",
  remedy: "",
  see: undefined,
  hintMs: undefined,
  missingClaim: undefined,
  trackingId: undefined,
  ...more,
});
const first: Progress = { elapsedMs: 0, counted: 1, ofKind: 1, previousWaitMs: undefined };
const half = (): number => 0.5;

describe("the decision", () => {
  it("SBC-044, SBC-094 waits with full jitter after a transient fault", () => {
    expect(decide(fault(), first, policy(), half)).toEqual({ retry: true, waitMs: 50, action: "retry" });
    expect(decide(fault(), { ...first, ofKind: 3, counted: 3 }, policy(), half)).toMatchObject({
      waitMs: 200,
    });
  });

  it("TH-13 adds jitter to the server's hint instead of choosing one of them", () => {
    const busy = fault({ kind: "throttled", hintMs: 2_000 });
    expect(decide(busy, { ...first, counted: 0 }, policy(), half)).toMatchObject({
      retry: true,
      waitMs: 2_500,
    });
  });

  it.each([
    ["token-limit", "rotate"],
    ["auth", "refresh"],
  ] as const)("does not wait when %s is cured by %s", (kind, action) => {
    expect(decide(fault({ kind }), first, policy(), half)).toEqual({ retry: true, waitMs: 0, action });
  });

  it("waits before the third connection or token, for two were no cure", () => {
    const at = (ofKind: number) =>
      decide(
        fault({ kind: "token-limit" }),
        { ...first, counted: ofKind, ofKind },
        policy({ attempts: Infinity }),
        half,
      );
    expect(at(2)).toMatchObject({ waitMs: 0 });
    expect(at(3)).toEqual({ retry: true, waitMs: 200, action: "rotate" });
    expect(at(9)).toMatchObject({ retry: true });
    expect(at(10)).toEqual({ retry: false, reason: "attempts" });
  });

  it.each(["quota", "lock-lost", "conflict", "not-found", "too-large", "client-bug", "cancelled"] as const)(
    "does not repeat %s",
    (kind) => {
      expect(decide(fault({ kind }), first, policy(), half)).toEqual({ retry: false, reason: "permanent" });
    },
  );

  it("repeats an unknown fault once", () => {
    const unknown = fault({ kind: "unknown" });
    expect(decide(unknown, first, policy(), half)).toMatchObject({ retry: true });
    expect(decide(unknown, { ...first, counted: 2, ofKind: 2 }, policy(), half)).toEqual({
      retry: false,
      reason: "attempts",
    });
  });

  it("stops when the attempts are used up", () => {
    const third = { ...first, counted: 3, ofKind: 3 };
    expect(decide(fault(), third, policy({ attempts: 3 }), half)).toEqual({
      retry: false,
      reason: "attempts",
    });
    expect(decide(fault(), third, policy({ attempts: 4 }), half)).toMatchObject({ retry: true });
  });

  it.each(["throttled", "disconnected", "transient"] as const)(
    "makes one attempt of one, also for %s",
    (kind) => {
      const progress = { ...first, counted: 0 };
      expect(decide(fault({ kind }), progress, policy({ attempts: 1 }), half)).toEqual({
        retry: false,
        reason: "attempts",
      });
    },
  );

  it("fails now when the wait would reach the deadline, exactly or beyond", () => {
    const busy = fault({ kind: "throttled", hintMs: 10_000 });
    const none = (): number => 0;
    expect(decide(busy, first, policy({ deadlineMs: 10_000 }), none)).toEqual({
      retry: false,
      reason: "deadline",
    });
    expect(decide(busy, first, policy({ deadlineMs: 10_001 }), none)).toMatchObject({
      retry: true,
      waitMs: 10_000,
    });
  });

  it("reports an unknown outcome instead of repeating it when the policy says so", () => {
    const lost = fault({ kind: "timeout", sent: "maybe" });
    expect(decide(lost, first, policy({ onUnknown: "fail" }), half)).toEqual({
      retry: false,
      reason: "outcome-unknown",
    });
    expect(decide(lost, first, policy(), half)).toMatchObject({ retry: true });
    expect(decide(fault(), first, policy({ onUnknown: "fail" }), half)).toMatchObject({ retry: true });
  });

  it.each([Number.NaN, -5, Infinity, 1e300])("survives a hint of %d ms", (hintMs) => {
    const decision = decide(fault({ kind: "throttled", hintMs }), first, policy(), half);
    if (decision.retry) expect(decision.waitMs).toBe(500);
    else expect(decision.reason).toBe("deadline");
  });
});

it("never undercuts a hint, never crosses the deadline, is never negative and never NaN", () => {
  const base = fc.integer({ min: 1, max: 100_000 });
  const shape = fc.oneof(
    fc
      .tuple(fc.constantFrom("full", "equal", "decorrelated"), base, fc.integer({ min: 0, max: 1e6 }))
      .map(([name, baseMs, more]) => backoff[name as "full"]({ baseMs, capMs: baseMs + more })),
    fc
      .record({ delaysMs: fc.array(fc.nat(1e6), { minLength: 1, maxLength: 5 }), jitterMs: fc.nat(1e5) })
      .map((options) => backoff.steps(options)),
  );
  const duration = fc.oneof(fc.constant(Infinity), fc.double({ min: 1, max: 1e9, noNaN: true }));
  const options = fc.record({
    attempts: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 1_000_000 })),
    deadlineMs: duration,
    backoff: shape,
    throttledBackoff: shape,
    onUnknown: fc.constantFrom("resend" as const, "fail" as const),
  });
  const progress = fc.record({
    elapsedMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    counted: fc.nat(1_000_000),
    ofKind: fc.integer({ min: 1, max: 1_000_000 }),
    previousWaitMs: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined }),
  });
  const hint = fc.option(fc.oneof(fc.double(), fc.double({ min: 0, max: 1e6 })), { nil: undefined });
  const sent = fc.constantFrom("no" as const, "maybe" as const);
  fc.assert(
    fc.property(
      options,
      progress,
      fc.constantFrom(...faultKinds),
      hint,
      sent,
      fc.integer(),
      (chosen, at, kind, hintMs, was, seed) => {
        const decision = decide(fault({ kind, hintMs, sent: was }), at, policy(chosen), seededRandom(seed));
        if (!decision.retry) return;
        expect(Number.isFinite(decision.waitMs)).toBe(true);
        expect(decision.waitMs).toBeGreaterThanOrEqual(0);
        if (hintMs !== undefined && hintMs > 0) expect(decision.waitMs).toBeGreaterThanOrEqual(hintMs);
        expect(at.elapsedMs + decision.waitMs).toBeLessThan(chosen.deadlineMs);
        expect(at.counted).toBeLessThan(chosen.attempts);
      },
    ),
    { numRuns: 1_000 },
  );
});
