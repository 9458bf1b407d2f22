import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { ownTime, timed } from "./own-time.ts";

const hold = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

it("leaves out what kept the process from running", async () => {
  const startedAt = performance.now();
  const own = ownTime();
  for (let stall = 0; stall < 5; stall += 1) {
    hold(60);
    await sleep(5);
  }
  hold(60);
  expect(own()).toBeLessThan(performance.now() - startedAt - 300);
});

it("counts what is waited for", async () => {
  const { ms, ownMs, value } = await timed(sleep(400, "done"));
  expect(value).toBe("done");
  expect(ms).toBeGreaterThanOrEqual(399);
  // How much of it is left out depends on the machine.
  expect(ownMs).toBeGreaterThan(0);
  expect(ownMs).toBeLessThanOrEqual(ms);
});

it("hands on how it ended", async () => {
  const error = new Error("no");
  expect(await timed(Promise.reject(error))).toMatchObject({ error });
});
