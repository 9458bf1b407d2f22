import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { contention, strategies } from "./contention-model.ts";
import * as herds from "./herd-model.ts";
import { holdfast, overload, peers } from "./overload-model.ts";
import { interval, median } from "./statistics.ts";

// The full models take a minute: npm run bench -- models.
describe("a short overload of one and a half times", () => {
  const short = [
    { perSecond: 600, seconds: 2 },
    { perSecond: 1_500, seconds: 4 },
    { perSecond: 600, seconds: 4 },
  ];

  it("loses nothing, and is refused far less than by waiting for the hint alone", async () => {
    const ours = await overload(holdfast, 50, 1, short);
    const naive = await overload(peers[1]!, 50, 1, short);
    expect([ours.lost, naive.lost]).toEqual([0, 0]);
    expect(ours.refused / ours.operations).toBeLessThan(0.08);
    expect(naive.refused).toBeGreaterThan(5 * ours.refused);
  });

  it("is the same story for the same seed", async () => {
    const [one, other] = [await overload(holdfast, 5, 7, short), await overload(holdfast, 5, 7, short)];
    expect(one).toEqual(other);
  });
});

describe("a herd of 2000 that returns after 5 s", () => {
  it("comes flat with presets.reconnect, and everybody gets back", () => {
    const outcome = herds.herd(herds.holdfast[1], 1);
    expect(outcome.peak).toBeLessThanOrEqual(300);
    expect(outcome.stranded).toBe(0);
    expect(outcome.p99Seconds).toBeLessThan(25);
  });
});

it.each(strategies.filter(({ isOurs }) => isOurs).map((one) => [one.name, one] as const))(
  "%s is within a tenth of the published program's calls and time",
  (_name, one) => {
    const { calls, ms } = contention(one.next, 1);
    expect(Math.abs(calls / one.calls - 1)).toBeLessThan(0.1);
    expect(Math.abs(ms / one.ms - 1)).toBeLessThan(0.1);
  },
);

it.each(["overload", "herd", "contention-calls", "contention-time"])(
  "the chart %s is there and small, and the documentation shows it",
  (name) => {
    const svg = readFileSync(new URL(`../../docs/models/${name}.svg`, import.meta.url), "utf8");
    expect(svg.length).toBeLessThan(30_000);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    const page = readFileSync(new URL("../../packages/core/README.md", import.meta.url), "utf8");
    expect(page).toContain(`docs/models/${name}.svg`);
  },
);

describe("statistics", () => {
  it("give the median and its 95 % interval by the sign test", () => {
    const values = Array.from({ length: 31 }, (_, index) => index + 1).toReversed();
    expect(median(values)).toBe(16);
    // Ranks 10 and 22 of 31 (binomial, p = 1/2: 97 %).
    expect(interval(values)).toEqual([10, 22]);
    expect(interval([3, 1, 2])).toEqual([1, 3]);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});
