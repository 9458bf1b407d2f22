import { expect, it } from "vitest";
import type { Attempt } from "../src/bounded.ts";
import { presets } from "../src/presets.ts";
import { seededRandom } from "../src/testing.ts";
import { failing, failure, rejection, scene } from "./scene.ts";

it("request: 10 attempts of 10 s in a minute, full jitter 100 ms … 20 s", () => {
  expect(presets.request).toMatchObject({ attempts: 10, deadlineMs: 60_000, attemptTimeoutMs: 10_000 });
  expect(presets.request.backoff).toEqual({ shape: "full", baseMs: 100, capMs: 20_000 });
});

it("reconnect: goes on through two hours of outage, never more than 10 s apart", async () => {
  const { clock, run, seen } = scene({ policy: presets.reconnect });
  const stop = new AbortController();
  const done = rejection(run(() => Promise.reject(failure("Detached")), { signal: stop.signal }));
  clock.after(7_200_000, () => stop.abort());
  expect(await clock.settle(done)).toMatchObject({ name: "AbortError" });
  const gaps = seen.slice(1).map((at, index) => at - (seen[index] ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(10_000);
  expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual(1_000);
});

it("reconnect: no 250 ms holds more than 40 % of 200 clients that were cut off together", async () => {
  const { clock, run, seen } = scene({ policy: presets.reconnect, random: seededRandom(11) });
  const work = (attempt: Attempt) => (attempt.number === 1 ? Promise.reject(failure("Detached")) : undefined);
  await clock.settle(Promise.all(Array.from({ length: 200 }, () => run(work))));
  const returned = seen.slice(200);
  for (const from of returned) {
    expect(returned.filter((at) => at >= from && at < from + 250).length).toBeLessThanOrEqual(80);
  }
});

it.each(["Busy", "Internal", "Detached", "Unauthorized", "TokensFull"])(
  "none: one attempt, also after %s",
  async (code) => {
    const { clock, run, seen } = scene({ policy: presets.none, act: () => {} });
    await clock.settle(rejection(run(failing(failure(code)))));
    expect(seen).toHaveLength(1);
  },
);

it.each(["Busy", "Internal"])(
  "guide: four attempts, 1 to 2, 2 to 3 and 4 to 5 s apart, after %s",
  async (code) => {
    const { clock, run, seen } = scene({ policy: presets.guide });
    await clock.settle(rejection(run(() => Promise.reject(failure(code)))));
    const gaps = seen.slice(1).map((at, index) => Math.floor((at - (seen[index] ?? 0)) / 1_000));
    expect(gaps).toEqual([1, 2, 4]);
  },
);

it("are frozen", () => {
  for (const value of [presets, presets.request, presets.reconnect, presets.guide, presets.none]) {
    expect(Object.isFrozen(value)).toBe(true);
  }
});
