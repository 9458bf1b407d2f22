import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renewAfter, Renewer, type KeepingEnded, type RenewerOptions } from "@holdfast/core";
import { seededRandom, virtualClock, type VirtualClock } from "@holdfast/core/testing";

interface Thing {
  readonly name: string;
}

const gone = new Error("gone");

function bench(changes: Partial<RenewerOptions<Thing>> = {}) {
  const clock: VirtualClock = virtualClock();
  const renewals: { readonly thing: Thing; readonly at: number }[] = [];
  const ends: { readonly thing: Thing; readonly end: KeepingEnded; readonly at: number }[] = [];
  const limits: { readonly thing: Thing; readonly keptMs: number }[] = [];
  const renewer = new Renewer<Thing>({
    renew: (thing) => {
      renewals.push({ thing, at: clock.now() });
      return Promise.resolve(10_000);
    },
    isFinal: (error) => error === gone,
    limited: (thing, keptMs) => limits.push({ thing, keptMs }),
    ended: (thing, end) => ends.push({ thing, end, at: clock.now() }),
    ...{ maxInFlight: 100, clock, random: seededRandom(1) },
    ...changes,
  });
  return { clock, renewals, ends, limits, renewer };
}

describe("renewAfter", () => {
  it("renews in the second half of a life, and leaves at least a quarter of a short one for repetitions", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (lifeMs, chance) => {
          const after = renewAfter(lifeMs, () => chance);
          expect(after).toBeGreaterThanOrEqual(lifeMs * 0.375 - 1e-6);
          expect(after).toBeLessThanOrEqual(lifeMs - Math.min(lifeMs / 2, 20_000) + 1e-6);
        },
      ),
    );
  });
});

describe("Renewer", () => {
  it("renews before the end, again and again, until it is released", async () => {
    const at = bench();
    const lock = { name: "lock" };
    const keeping = at.renewer.keep(lock, 10_000, Infinity);
    await at.clock.advance(60_000);
    expect(at.ends).toEqual([]);
    expect(at.renewals.length).toBeGreaterThanOrEqual(10);
    at.renewer.release(keeping);
    expect(at.clock.pending).toBe(0);
    const before = at.renewals.length;
    await at.clock.advance(60_000);
    expect(at.renewals).toHaveLength(before);
  });

  it("goes on after failures until the life is really over, and says so then", async () => {
    let failing = true;
    const error = new Error("busy");
    const at = bench({ renew: () => (failing ? Promise.reject(error) : Promise.resolve(10_000)) });
    const lock = { name: "lock" };
    at.renewer.keep(lock, 10_000, Infinity);
    await at.clock.advance(9_500);
    failing = false;
    await at.clock.advance(5_000);
    expect(at.ends).toEqual([]);
    failing = true;
    await at.clock.advance(20_000);
    expect(at.ends).toMatchObject([{ thing: lock, end: { reason: "expired", error } }]);
    expect(at.clock.pending).toBe(0);
  });

  it("ends at once when a renewal is refused for good", async () => {
    const at = bench({ renew: () => Promise.reject(gone) });
    at.renewer.keep({ name: "lock" }, 10_000, Infinity);
    await at.clock.advance(5_100);
    expect(at.ends).toMatchObject([{ end: { reason: "refused", error: gone } }]);
    expect(at.renewer.size).toBe(0);
  });

  it("stops renewing at the limit, tells, and watches the end", async () => {
    const at = bench();
    const lock = { name: "lock" };
    at.renewer.keep(lock, 10_000, 20_000);
    await at.clock.advance(20_100);
    expect(at.limits).toMatchObject([{ thing: lock }]);
    expect(at.limits[0]?.keptMs).toBeGreaterThanOrEqual(20_000);
    const renewed = at.renewals.length;
    await at.clock.advance(20_000);
    expect(at.renewals).toHaveLength(renewed);
    expect(at.ends).toMatchObject([{ end: { reason: "expired" } }]);
  });

  it("prolongs a limit", async () => {
    const at = bench();
    const lock = { name: "lock" };
    const keeping = at.renewer.keep(lock, 10_000, 20_000);
    for (let round = 0; round < 10; round += 1) {
      await at.clock.advance(10_000);
      at.renewer.prolong(keeping, 20_000);
    }
    expect(at.limits).toEqual([]);
    expect(at.ends).toEqual([]);
  });

  it("goes on when the limit is prolonged after it was reached, and not for a prolongation of nothing", async () => {
    const at = bench();
    const keeping = at.renewer.keep({ name: "lock" }, 10_000, 1);
    await at.clock.advance(500);
    expect(at.limits).toHaveLength(1);
    at.renewer.prolong(keeping, 0);
    expect(at.renewals).toEqual([]);
    at.renewer.prolong(keeping, 30_000);
    await at.clock.advance(29_000);
    expect(at.ends).toEqual([]);
    expect(at.limits).toHaveLength(1);
  });

  it("only watches what is not to be renewed", async () => {
    const at = bench();
    at.renewer.keep({ name: "lock" }, 3_000, 0);
    await at.clock.advance(2_900);
    expect(at.ends).toEqual([]);
    await at.clock.advance(200);
    expect(at.ends).toMatchObject([{ end: { reason: "expired" } }]);
    expect(at.renewals).toEqual([]);
  });

  it("renews at once when asked to verify, and aborts a renewal that is not wanted any more", async () => {
    let signal: { readonly aborted: boolean } | undefined;
    const at = bench({
      renew: (_, given) => {
        signal = given;
        return new Promise<number>(() => undefined);
      },
    });
    const lock = { name: "lock" };
    const keeping = at.renewer.keep(lock, 10_000, Infinity);
    at.renewer.verify(keeping);
    await at.clock.advance(1);
    expect(signal?.aborted).toBe(false);
    at.renewer.release(keeping);
    expect(signal?.aborted).toBe(true);
  });

  it("ends what has run out although its renewal never answered", async () => {
    const at = bench({ renew: () => new Promise<number>(() => undefined) });
    at.renewer.keep({ name: "lock" }, 10_000, Infinity);
    await at.clock.advance(10_100);
    expect(at.ends).toMatchObject([{ end: { reason: "expired" } }]);
  });

  it("counts a life from the asking, not from the answer", async () => {
    const clock = virtualClock();
    const ends: number[] = [];
    let answers = 0;
    const renewer = new Renewer<Thing>({
      renew: () =>
        new Promise((resolve) => {
          answers += 1;
          if (answers === 1) clock.after(4_000, () => resolve(10_000));
        }),
      isFinal: () => false,
      limited: () => undefined,
      ended: () => ends.push(clock.now()),
      ...{ maxInFlight: 1, clock, random: () => 0 },
    });
    renewer.keep({ name: "lock" }, 10_000, Infinity);
    await clock.advance(30_000);
    expect(ends[0]).toBeGreaterThanOrEqual(15_000);
    expect(ends[0]).toBeLessThanOrEqual(15_100);
  });

  it("loses none of 10 000 with 100 renewals at once, each of 50 ms, and never has more", async () => {
    let inFlight = 0;
    let most = 0;
    const clock = virtualClock();
    const ends: unknown[] = [];
    const renewer = new Renewer<Thing>({
      renew: () => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        return new Promise((resolve) => {
          clock.after(50, () => {
            inFlight -= 1;
            resolve(60_000);
          });
        });
      },
      isFinal: () => false,
      limited: () => undefined,
      ended: (_, end) => ends.push(end),
      ...{ maxInFlight: 100, clock, random: seededRandom(2) },
    });
    const locks = Array.from({ length: 10_000 }, (_, index) => ({ name: String(index) }));
    for (const lock of locks) renewer.keep(lock, 60_000, Infinity);
    await clock.advance(200_000);
    expect(ends).toEqual([]);
    expect(most).toBeLessThanOrEqual(100);
    renewer.close();
    expect(clock.pending).toBe(0);
  });

  it("keeps whatever can be kept, whatever fails in between", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1_000, max: 60_000 }),
        fc.array(fc.boolean(), { maxLength: 30 }),
        fc.integer(),
        async (lifeMs, failures, seed) => {
          const clock = virtualClock();
          const left = [...failures];
          let renewedAt = 0;
          let endedAt = Infinity;
          const renewer = new Renewer<Thing>({
            renew: () => {
              if (left.shift() === true) return Promise.reject(new Error("busy"));
              renewedAt = clock.now();
              return Promise.resolve(lifeMs);
            },
            isFinal: () => false,
            limited: () => undefined,
            ended: () => (endedAt = clock.now()),
            ...{ maxInFlight: 2, clock, random: seededRandom(seed) },
          });
          renewer.keep({ name: "lock" }, lifeMs, Infinity);
          await clock.advance(lifeMs * 5);
          // Either it lives, renewed within its life; or it ended when the life was over, and not before.
          if (endedAt === Infinity) expect(clock.now() - renewedAt).toBeLessThanOrEqual(lifeMs);
          else expect(endedAt - renewedAt).toBeGreaterThanOrEqual(lifeMs);
          renewer.close();
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
