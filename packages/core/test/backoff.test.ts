import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoff, nextWait, type Backoff } from "../src/backoff.ts";
import { HoldfastError } from "../src/holdfast-error.ts";
import { seededRandom } from "../src/testing.ts";

const range = fc
  .tuple(fc.double({ min: 1, max: 1e6, noNaN: true }), fc.double({ min: 1, max: 1e6, noNaN: true }))
  .map(([one, other]) => ({ baseMs: Math.min(one, other), capMs: Math.max(one, other) }));
const retry = fc.integer({ min: 0, max: 1_000_000 });
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** The largest share of waits that any window of `widthMs` holds. */
function busiestWindow(waits: readonly number[], widthMs: number): number {
  const inWindow = waits.map((from) => waits.filter((at) => at >= from && at < from + widthMs).length);
  return Math.max(...inWindow) / waits.length;
}

describe("full jitter", () => {
  it("stays within 0 and min(cap, base·2ⁿ) for every retry up to a million", () => {
    fc.assert(
      fc.property(range, retry, chance, (given, n, drawn) => {
        const wait = nextWait(backoff.full(given), n, () => drawn, undefined);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(Math.min(given.capMs, given.baseMs * 2 ** n));
      }),
    );
  });

  it("uses the whole range, down to nothing and up to nearly the cap", () => {
    const shape = backoff.full({ baseMs: 100, capMs: 20_000 });
    expect(nextWait(shape, 30, () => 0, undefined)).toBe(0);
    expect(nextWait(shape, 30, () => 0.999_999, undefined)).toBeCloseTo(20_000, 0);
  });
});

describe("equal jitter", () => {
  it("stays between half of min(cap, base·2ⁿ) and all of it", () => {
    fc.assert(
      fc.property(range, retry, chance, (given, n, drawn) => {
        const wait = nextWait(backoff.equal(given), n, () => drawn, undefined);
        const top = Math.min(given.capMs, given.baseMs * 2 ** n);
        expect(wait).toBeGreaterThanOrEqual(top / 2);
        expect(wait).toBeLessThanOrEqual(top);
      }),
    );
  });
});

describe("decorrelated jitter", () => {
  it("begins anywhere in [0, base]", () => {
    fc.assert(
      fc.property(range, chance, (given, drawn) => {
        const wait = nextWait(backoff.decorrelated(given), 0, () => drawn, undefined);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(given.baseMs);
      }),
    );
  });

  it("goes on within [min(base, cap/3), min(cap, 3·previous)]", () => {
    fc.assert(
      fc.property(
        range,
        retry,
        chance,
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (given, n, drawn, previous) => {
          const wait = nextWait(backoff.decorrelated(given), n, () => drawn, previous);
          expect(wait).toBeGreaterThanOrEqual(Math.min(given.baseMs, given.capMs / 3));
          expect(wait).toBeLessThanOrEqual(Math.min(given.capMs, 3 * Math.max(previous, given.baseMs)));
        },
      ),
    );
  });

  it("spreads a crowd even when base and cap are the same", () => {
    const random = seededRandom(7);
    const shape = backoff.decorrelated({ baseMs: 9_000, capMs: 9_000 });
    const waits = Array.from({ length: 200 }, () => nextWait(shape, 5, random, 9_000));
    expect(busiestWindow(waits, 250)).toBeLessThan(0.25);
  });
});

describe("steps", () => {
  it("waits [1,2), [2,3), [4,5) seconds and then stays at the last step", () => {
    const shape = backoff.steps({ delaysMs: [1_000, 2_000, 4_000], jitterMs: 1_000 });
    fc.assert(
      fc.property(retry, chance, (n, drawn) => {
        const floor = [1_000, 2_000, 4_000][Math.min(n, 2)] ?? 0;
        const wait = nextWait(shape, n, () => drawn, undefined);
        expect(wait).toBeGreaterThanOrEqual(floor);
        expect(wait).toBeLessThanOrEqual(floor + 1_000);
      }),
    );
  });

  it("is not changed by what the caller does to the list afterwards", () => {
    const delaysMs = [1_000];
    const shape = backoff.steps({ delaysMs, jitterMs: 0 });
    delaysMs[0] = 5;
    expect(nextWait(shape, 0, () => 0, undefined)).toBe(1_000);
  });
});

describe("a crowd that failed at the same instant", () => {
  const capMs = 20_000;

  it.each([
    ["full", backoff.full({ baseMs: 1_000, capMs })],
    ["equal", backoff.equal({ baseMs: 1_000, capMs })],
    ["decorrelated", backoff.decorrelated({ baseMs: 1_000, capMs })],
    ["steps", backoff.steps({ delaysMs: [1_000, capMs - 1_000], jitterMs: 1_000 })],
  ] satisfies [string, Backoff][])("never waits exactly the cap with %s jitter", (_name, shape) => {
    const random = seededRandom(4);
    for (let client = 0; client < 500; client += 1) {
      let wait: number | undefined;
      for (let n = 0; n < 12; n += 1) {
        wait = nextWait(shape, n, random, wait);
        expect(wait).toBeLessThan(capMs);
      }
    }
  });

  it.each([
    [2_000, 0.25],
    [4_000, 0.25],
    [1_000, 0.4],
  ])("M-04 base %d ms: no 250 ms holds more than %d of 200 first retries", (baseMs, share) => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const random = seededRandom(seed);
      const shape = backoff.full({ baseMs, capMs: 60_000 });
      const waits = Array.from({ length: 200 }, () => nextWait(shape, 0, random, undefined));
      expect(busiestWindow(waits, 250), `seed ${seed}`).toBeLessThanOrEqual(share);
    }
  });
});

describe("backoff options out of range", () => {
  const message = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      expect(error).toBeInstanceOf(HoldfastError);
      expect((error as HoldfastError).code).toBe("misconfigured");
      return (error as HoldfastError).message;
    }
    throw new Error("nothing was thrown");
  };

  it.each(["full", "equal", "decorrelated"] as const)(
    "%s names the option, the value and what is allowed",
    (shape) => {
      expect(message(() => backoff[shape]({ baseMs: 0, capMs: 10 }))).toMatch(
        new RegExp(`^backoff\\.${shape}\\.baseMs must be .*1 or more; got 0\\.$`),
      );
      expect(message(() => backoff[shape]({ baseMs: 100, capMs: 99 }))).toMatch(
        /capMs must be .*100 or more; got 99/,
      );
      expect(message(() => backoff[shape]({ baseMs: Number.NaN, capMs: 99 }))).toMatch(/baseMs .* got NaN/);
      expect(message(() => backoff[shape]({ baseMs: 1, capMs: Infinity }))).toMatch(
        /capMs .*finite.* got Infinity/,
      );
      expect(message(() => backoff[shape]({ baseMs: "5" as never, capMs: 9 }))).toMatch(/baseMs .* got "5"/);
      expect(message(() => backoff[shape](undefined as never))).toMatch(/baseMs .* got undefined/);
    },
  );

  it("steps names the option, the value and what is allowed", () => {
    expect(message(() => backoff.steps({ delaysMs: [], jitterMs: 0 }))).toMatch(
      /delaysMs must be .*at least one/,
    );
    expect(message(() => backoff.steps({ delaysMs: [1, -2], jitterMs: 0 }))).toMatch(
      /delaysMs\[1\].*0 or more; got -2/,
    );
    expect(message(() => backoff.steps({ delaysMs: [1], jitterMs: -1 }))).toMatch(
      /jitterMs .*0 or more; got -1/,
    );
    expect(message(() => backoff.steps({ delaysMs: 5 as never, jitterMs: 1 }))).toMatch(
      /delaysMs must be .* got 5/,
    );
    expect(message(() => backoff.steps(undefined as never))).toMatch(/jitterMs .* got undefined/);
  });
});
