import fc from "fast-check";
import { expect, it } from "vitest";
import { ended, noKicks, type KickState } from "../src/kick-detector.ts";

const rules = { kicks: 3, kicksWithinMs: 60_000 };
type End = readonly ["closed" | "reset", number];

function after(ends: readonly End[], from: KickState = noKicks): KickState {
  return ends.reduce((state, [how, at]) => ended(state, how, at, 100, rules), from);
}

it("leaves the identity after three closings within a minute", () => {
  expect(
    after([
      ["closed", 0],
      ["closed", 1_000],
    ]).isHeld,
  ).toBe(false);
  expect(
    after([
      ["closed", 0],
      ["closed", 1_000],
      ["closed", 59_999],
    ]).isHeld,
  ).toBe(true);
  expect(
    after([
      ["closed", 0],
      ["closed", 1_000],
      ["closed", 60_001],
    ]).isHeld,
  ).toBe(false);
});

it("takes a storm of resets, of which some read like closings, for the network", () => {
  const storm = Array.from({ length: 100 }, (_, n): End => [n % 20 === 19 ? "closed" : "reset", n * 100]);
  expect(after(storm).isHeld).toBe(false);
});

it("leaves it to another owner although the network resets connections, too", () => {
  const fight = Array.from({ length: 12 }, (_, n): End => [n % 3 === 0 ? "reset" : "closed", n * 100]);
  expect(after(fight).isHeld).toBe(true);
});

it("stays away while the fight lasts, and forgets it after a connection that lasted", () => {
  const held = after([
    ["closed", 0],
    ["closed", 1],
    ["closed", 2],
  ]);
  expect(after([["closed", 70_000]], held).isHeld).toBe(true);
  expect(ended(held, "closed", 200_000, 60_000, rules).isHeld).toBe(false);
});

it("never holds for resets alone, and always for as many closings as it takes", () => {
  const times = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 3, maxLength: 50 });
  fc.assert(
    fc.property(times, (unsorted) => {
      const sorted = unsorted.toSorted((a, b) => a - b);
      expect(after(sorted.map((at): End => ["reset", at])).isHeld).toBe(false);
      const isWithin = sorted.some((at, n) => n >= 2 && at - sorted[n - 2]! < rules.kicksWithinMs);
      expect(after(sorted.map((at): End => ["closed", at])).isHeld).toBe(isWithin);
    }),
  );
});
