import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FaultScript } from "../src/faults/fault-script.ts";
import { seededRandom } from "../src/random.ts";

interface Steps {
  send: { readonly kind: string };
  settle: { readonly kind: string };
}

const script = (seed = 1): FaultScript<Steps> => new FaultScript<Steps>(seededRandom(seed));
const busy = { kind: "busy" };
const lost = { kind: "lost" };

describe("the fault script", () => {
  it("hits the next event once and then lets everything pass", () => {
    const faults = script();
    faults.next("send", busy);
    expect([faults.take("send"), faults.take("send")]).toEqual([busy, undefined]);
  });

  it("queues up faults for the next events in the order in which they were written", () => {
    const faults = script();
    faults.next("send", busy, { times: 2 });
    faults.next("send", lost);
    expect([1, 2, 3, 4].map(() => faults.take("send"))).toEqual([busy, busy, lost, undefined]);
  });

  it("keeps steps and entities apart, entities without regard to case", () => {
    const faults = script();
    faults.always("send", busy, { entity: "Orders" });
    expect(faults.take("settle", "orders")).toBeUndefined();
    expect(faults.take("send", "invoices")).toBeUndefined();
    expect(faults.take("send", "orders")).toBe(busy);
  });

  it("hits every third event", () => {
    const faults = script();
    faults.every(3, "send", busy);
    expect([1, 2, 3, 4, 5, 6].map(() => faults.take("send") !== undefined)).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
  });

  it("lets `next` win over `always`", () => {
    const faults = script();
    faults.always("send", busy);
    faults.next("send", lost);
    expect([faults.take("send"), faults.take("send")]).toEqual([lost, busy]);
  });

  it("repeats the same run for the same seed, and another one for another seed", () => {
    const run = (seed: number): boolean[] => {
      const faults = script(seed);
      faults.probability(0.5, "send", busy);
      return Array.from({ length: 64 }, () => faults.take("send") !== undefined);
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });

  it("counts how often a rule fired, and forgets it when it is removed or cleared", () => {
    const faults = script();
    const rule = faults.always("send", busy);
    faults.take("send");
    expect(rule.fired).toBe(1);
    rule.remove();
    expect(faults.take("send")).toBeUndefined();
    faults.always("send", busy);
    faults.always("settle", lost);
    faults.clear("send");
    expect([faults.take("send"), faults.take("settle")]).toEqual([undefined, lost]);
  });

  it("names what is wrong with a number", () => {
    expect(() => script().every(0, "send", busy)).toThrow(/n must be an integer of at least 1, got 0/);
    expect(() => script().probability(2, "send", busy)).toThrow(/between 0 and 1, got 2/);
    expect(() => script().next("send", busy, { times: 0 })).toThrow(/times must be .* got 0/);
  });

  it("hits about as many events as the probability says, never any at 0, all at 1", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (seed, p) => {
          const faults = script(seed);
          faults.probability(p, "send", busy);
          const hits = Array.from({ length: 2_000 }, () => faults.take("send")).filter(Boolean).length;
          if (p === 0) return hits === 0;
          if (p === 1) return hits === 2_000;
          return Math.abs(hits / 2_000 - p) < 0.08;
        },
      ),
      { numRuns: 50, seed: 1 },
    );
  });
});
