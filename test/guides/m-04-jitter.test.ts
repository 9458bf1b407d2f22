import { MessagingError, retry, RetryMode, RetryOperationType } from "@azure/core-amqp";
import { backoff, policy, presets, run, type Backoff, type Fault, type Policy } from "@holdfast/core";
import { seededRandom, virtualClock } from "@holdfast/core/testing";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

// SBC-099 and the guides' advice to wait for a random time. Rows SR-36, SR-45.
const clients = 200;
const windowMs = 250;
const jittered = {
  full: backoff.full,
  equal: backoff.equal,
  decorrelated: backoff.decorrelated,
};

const internal: Fault = {
  kind: "transient",
  service: "service-bus",
  id: "test",
  code: undefined,
  sent: "no",
  because: "",
  remedy: "",
  see: undefined,
  hintMs: undefined,
  missingClaim: undefined,
  trackingId: undefined,
};

/** The largest share of these moments that any 250 ms hold. */
function largestShare(moments: readonly number[]): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [last, at] of sorted.entries()) {
    while ((sorted[first] ?? at) <= at - windowMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most / sorted.length;
}

/** When each of 200 clients whose first attempts fail at the same instant tries again, in milliseconds. */
async function firstRetries(one: Policy, seed: number): Promise<number[]> {
  const clock = virtualClock();
  const random = seededRandom(seed);
  const retries: number[] = [];
  const call = (): Promise<unknown> =>
    run(
      (attempt) => {
        if (attempt.number === 1) throw new Error("InternalServerError");
        retries.push(clock.now());
      },
      { operation: "test.send", target: "orders", policy: one, classify: () => internal, clock, random },
    );
  await clock.settle(Promise.all(Array.from({ length: clients }, call)));
  return retries;
}

describe("M-04 spreads the retries of 200 clients that fail at the same instant", () => {
  const seeds = Array.from({ length: 25 }, (_, index) => index + 1);

  it.each([
    ["full jitter, base 2 s", backoff.full({ baseMs: 2_000, capMs: 20_000 }), 0.25],
    ["full jitter, base 5 s", backoff.full({ baseMs: 5_000, capMs: 20_000 }), 0.25],
    ["decorrelated jitter, base 2 s", backoff.decorrelated({ baseMs: 2_000, capMs: 20_000 }), 0.25],
    ["full jitter, base 1 s", backoff.full({ baseMs: 1_000, capMs: 20_000 }), 0.4],
    ["decorrelated jitter, base 1 s", backoff.decorrelated({ baseMs: 1_000, capMs: 20_000 }), 0.4],
    ["the documented preset, 1 to 2 s", presets.guide.backoff, 0.4],
  ] as [string, Backoff, number][])("%s", async (_name, shape, most) => {
    for (const seed of seeds) {
      const retries = await firstRetries(policy({ backoff: shape }), seed);
      expect(retries).toHaveLength(clients);
      expect(largestShare(retries), `seed ${String(seed)}`).toBeLessThanOrEqual(most);
    }
  });
});

describe("M-04 keeps every wait and every call within its bounds", () => {
  const waits = async (one: Policy, seed: number): Promise<number[]> => {
    const clock = virtualClock();
    const seen: number[] = [];
    const result = run(
      () => {
        seen.push(clock.now());
        throw new Error("InternalServerError");
      },
      {
        ...{ operation: "test.send", target: "orders", policy: one, classify: () => internal, clock },
        random: seededRandom(seed),
      },
    );
    await clock.settle(result.catch(() => undefined));
    return seen.slice(1).map((at, index) => at - (seen[index] ?? 0));
  };
  const range = fc
    .tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 50 }))
    .map(([baseMs, times]) => ({ baseMs, capMs: baseMs * times }));
  // Virtual times are sums, so differences of them are exact to a millionth of a millisecond.
  const exact = 1e-6;

  it("full jitter: in [0, min(cap, base·2ⁿ)]; no shape ever exceeds its cap", async () => {
    const shapes = fc.constantFrom(...(Object.keys(jittered) as (keyof typeof jittered)[]));
    await fc.assert(
      fc.asyncProperty(shapes, range, fc.integer(), async (name, bounds, seed) => {
        const one = policy({ attempts: 12, deadlineMs: Infinity, backoff: jittered[name](bounds) });
        for (const [retry, ms] of (await waits(one, seed)).entries()) {
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(bounds.capMs + exact);
          if (name === "full") {
            expect(ms).toBeLessThanOrEqual(Math.min(bounds.capMs, bounds.baseMs * 2 ** retry) + exact);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it("the documented preset: [1, 2), [2, 3), [4, 5) s", async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const seconds = (await waits(presets.guide, seed)).map((ms) => Math.floor(ms / 1_000 + exact));
      expect(seconds).toEqual([1, 2, 4]);
    }
  });

  it("a call: no longer than its deadline and one attempt's timeout, whatever fails and hangs", async () => {
    const plan = fc.array(fc.option(fc.nat(8_000)), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        plan,
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer(),
        async (takes, deadlineMs, seed) => {
          const clock = virtualClock();
          const one = policy({ attempts: Infinity, deadlineMs, attemptTimeoutMs: 5_000 });
          const work = (attempt: { readonly number: number }): Promise<never> =>
            new Promise((_, reject) => {
              const ms = takes[(attempt.number - 1) % takes.length] ?? null;
              if (ms !== null) clock.after(ms, () => reject(new Error("InternalServerError")));
            });
          const spec = { operation: "test.send", target: "orders", classify: () => internal, clock };
          const result = run(work, { ...spec, policy: one, random: seededRandom(seed) });
          await clock.settle(result.catch(() => undefined));
          expect(clock.now()).toBeLessThanOrEqual(deadlineMs + one.attemptTimeoutMs);
        },
      ),
      { numRuns: 100 },
    );
  });
});

// bare: the official client's own loop, on fake timers.
describe("M-04 bare: core-amqp 4.4.2 sends its retries", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
    vi.spyOn(Math, "random").mockImplementation(seededRandom(1));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  const officialRetries = async (retryOptions: Parameters<typeof retry>[0]["retryOptions"]) => {
    const retries: number[] = [];
    const start = Date.now();
    const calls = Array.from({ length: clients }, () => {
      let attempt = 0;
      return retry({
        operation: async () => {
          attempt += 1;
          if (attempt > 1) return void retries.push(Date.now() - start);
          throw Object.assign(new MessagingError("The service was unable to process the request."), {
            retryable: true,
          });
        },
        connectionId: "bare",
        operationType: RetryOperationType.sendMessage,
        ...(retryOptions === undefined ? {} : { retryOptions }),
      });
    });
    await vi.advanceTimersByTimeAsync(120_000);
    await Promise.all(calls);
    return retries;
  };

  it("all in the same moment by default: 30 s later", async () => {
    const retries = await officialRetries(undefined);
    expect(retries).toHaveLength(clients);
    expect(largestShare(retries)).toBe(1);
    expect(new Set(retries)).toEqual(new Set([30_000]));
  });

  it.each([
    [1_000, 0.5],
    [2_000, 0.25],
  ])("exponential, %d ms: within a fifth of one another", async (retryDelayInMs, atLeast) => {
    const retries = await officialRetries({ mode: RetryMode.Exponential, retryDelayInMs });
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(0.8 * retryDelayInMs);
    expect(Math.max(...retries)).toBeLessThanOrEqual(1.2 * retryDelayInMs);
    expect(largestShare(retries)).toBeGreaterThan(atLeast);
  });

  it("exponential, at the cap: all in the same moment again", async () => {
    const retryOptions = { mode: RetryMode.Exponential, retryDelayInMs: 10_000, maxRetryDelayInMs: 5_000 };
    expect(largestShare(await officialRetries(retryOptions))).toBe(1);
  });
});
