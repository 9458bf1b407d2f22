import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { budget, failureOf, faultKinds, policy, type BudgetOptions, type FaultKind } from "../src/index.ts";
import { virtualClock } from "../src/testing.ts";
import { failing, failure, rejection, scene } from "./scene.ts";

const purse = (options: BudgetOptions = {}) => {
  const clock = virtualClock();
  return { clock, tokens: budget({ ...options, clock }) };
};

/** How many retries in a row it pays for. */
function affords(tokens: ReturnType<typeof budget>, kind: FaultKind): number {
  let retries = 0;
  while (retries < 1_000 && tokens.withdraw(kind)) retries += 1;
  return retries;
}

describe("a budget", () => {
  it.each<[FaultKind, number]>([
    ["transient", 35],
    ["unknown", 35],
    ["timeout", 17],
    ["throttled", 100],
    ["disconnected", 1_000],
  ])("pays for this many retries after %s: %d", (kind, retries) => {
    expect(affords(purse().tokens, kind)).toBe(retries);
  });

  it("keeps throttling and outages apart from faults", () => {
    const { tokens } = purse();
    affords(tokens, "throttled");
    affords(tokens, "disconnected");
    expect(affords(tokens, "transient")).toBe(35);
    expect(affords(purse({ throttledCost: 0 }).tokens, "throttled")).toBe(1_000);
  });

  it("refills with time, so that a quiet caller has a retry every fourteen seconds", async () => {
    const { clock, tokens } = purse({ capacity: 28 });
    expect(affords(tokens, "transient")).toBe(2);
    await clock.advance(13_999);
    expect(tokens.withdraw("transient")).toBe(false);
    await clock.advance(1);
    expect(tokens.withdraw("transient")).toBe(true);
    await clock.advance(86_400_000);
    expect(tokens.state.tokens).toBe(28);
  });

  it("gets back what a retry cost that succeeded, and one token for a success without", () => {
    const { tokens } = purse({ capacity: 100, cost: 10 });
    tokens.withdraw("transient");
    tokens.withdraw("timeout");
    tokens.withdraw("throttled");
    expect(tokens.state).toEqual({ tokens: 70, throttledTokens: 95 });
    tokens.deposit(undefined);
    tokens.deposit("timeout");
    tokens.deposit("throttled");
    expect(tokens.state).toEqual({ tokens: 91, throttledTokens: 100 });
  });

  it.each([
    [{ capacity: 10 }, /budget\.capacity must be a finite number, 28 or more; got 10/],
    [{ cost: -1 }, /budget\.cost/],
    [{ throttledCost: Infinity }, /budget\.throttledCost/],
    [{ refillPerSecond: NaN }, /budget\.refillPerSecond/],
    [3 as never, /budget must be an object/],
  ])("refuses options out of range: %o", (options, message) => {
    expect(() => budget(options)).toThrow(message);
  });

  it("never holds less than nothing nor more than its capacity, and never grants what it does not hold", async () => {
    const step = fc.oneof(
      fc.record({ withdraw: fc.constantFrom(...faultKinds) }),
      fc.record({ deposit: fc.constantFrom(undefined, ...faultKinds) }),
      fc.record({ ms: fc.nat(60_000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
        const { clock, tokens } = purse();
        let granted = 0;
        let deposits = 0;
        for (const one of steps) {
          if ("withdraw" in one)
            granted += tokens.withdraw(one.withdraw) && one.withdraw === "transient" ? 14 : 0;
          else if ("deposit" in one) {
            tokens.deposit(one.deposit);
            deposits += 28;
          } else await clock.advance(one.ms);
          const { state } = tokens;
          for (const amount of [state.tokens, state.throttledTokens]) {
            expect(amount).toBeGreaterThanOrEqual(0);
            expect(amount).toBeLessThanOrEqual(500);
          }
        }
        expect(granted).toBeLessThanOrEqual(500 + clock.now() / 1_000 + deposits);
      }),
      { numRuns: 100 },
    );
  });
});

describe("calls that share a budget", () => {
  it("give up with the service's own error and the reason, when it is spent", async () => {
    const { clock, run, seen, events } = scene();
    const tokens = budget({ capacity: 28, cost: 14, clock });
    const error = failure("Internal");
    expect(await clock.settle(rejection(run(() => Promise.reject(error), { budget: tokens })))).toBe(error);
    expect(seen).toHaveLength(3);
    expect(failureOf(error)).toMatchObject({ reason: "budget", kind: "transient" });
    expect(events.at(-1)).toMatchObject({ type: "give-up", reason: "budget", attempts: 3 });
  });

  it("do not spend it on outages or throttling", async () => {
    const { clock, run } = scene();
    const tokens = budget({ capacity: 28, cost: 14, clock, refillPerSecond: 0 });
    const work = failing(
      ...Array.from({ length: 8 }, (_, index) => failure(index % 2 ? "Busy" : "Detached")),
    );
    expect(await clock.settle(run(work, { budget: tokens, policy: policy({ deadlineMs: Infinity }) }))).toBe(
      "done",
    );
    expect(tokens.state.tokens).toBe(28);
  });

  it("amplify an outage of everything by a tenth at most, once it is spent", async () => {
    const { clock, run, seen } = scene();
    const tokens = budget({ clock });
    for (let second = 0; second < 300; second += 1) {
      const calls = Array.from({ length: 2 }, () =>
        rejection(run(() => Promise.reject(failure("Internal")), { budget: tokens })),
      );
      void Promise.all(calls);
      await clock.advance(1_000);
    }
    await clock.advance(60_000);
    expect(seen.length - 600).toBeLessThanOrEqual(500 / 14 + 360 / 14 + 1);
    expect(seen.filter((at) => at > 60_000).length / 480).toBeLessThanOrEqual(1.1);
  });

  it("put back what the retry cost that helped", async () => {
    const { clock, run } = scene();
    const tokens = budget({ clock, refillPerSecond: 0 });
    expect(await clock.settle(run(failing(failure("Internal")), { budget: tokens }))).toBe("done");
    expect(tokens.state.tokens).toBe(500);
    await clock.settle(run(failing(failure("Internal"), failure("LostAnswer")), { budget: tokens }));
    expect(tokens.state.tokens).toBe(500 - 14);
  });
});
