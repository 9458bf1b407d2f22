import fc from "fast-check";
import { expect, it } from "vitest";
import { seededRandom } from "@holdfast/core/testing";

it("gives the same numbers for the same seed, and others for another", () => {
  const draw = (seed: number): number[] => Array.from({ length: 20 }, seededRandom(seed));
  expect(draw(42)).toEqual(draw(42));
  expect(draw(42)).not.toEqual(draw(43));
});

it("stays in [0, 1) for every seed", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = seededRandom(seed);
      for (let n = 0; n < 50; n += 1) {
        const drawn = random();
        expect(drawn >= 0 && drawn < 1).toBe(true);
      }
    }),
  );
});

it("is spread evenly enough for jitter", () => {
  const random = seededRandom(1);
  const tenths = new Array<number>(10).fill(0);
  for (let n = 0; n < 10_000; n += 1) {
    const tenth = Math.floor(random() * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
