import { afterEach, describe, expect, it, vi } from "vitest";
import { MAX_TIMER_MS, systemClock } from "../src/clock.ts";

describe("on a clock that can be moved", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("does not fire early when the wait is longer than a timer can take", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const wait = 2 * MAX_TIMER_MS + 5_000;
    const fire = vi.fn();
    systemClock.after(wait, fire);
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(fire).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2);
    expect(fire).toHaveBeenCalledTimes(1);
  });

  it("cancels a long wait in any of its parts", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const fire = vi.fn();
    const cancel = systemClock.after(3 * MAX_TIMER_MS, fire);
    await vi.advanceTimersByTimeAsync(MAX_TIMER_MS + 1);
    cancel();
    await vi.advanceTimersByTimeAsync(3 * MAX_TIMER_MS);
    expect(fire).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("never fires after Infinity, and needs no attention meanwhile", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const fire = vi.fn();
    const cancel = systemClock.after(Infinity, fire);
    await vi.advanceTimersByTimeAsync(4 * MAX_TIMER_MS);
    expect(fire).not.toHaveBeenCalled();
    cancel();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("in real time", () => {
  const timed = (ms: number): Promise<number> =>
    new Promise((resolve) => {
      const began = systemClock.now();
      systemClock.after(ms, () => resolve(systemClock.now() - began));
    });

  it("never fires before its time, fractions included: a server's hint is a floor", async () => {
    for (let round = 0; round < 5; round += 1) {
      const waits = [1.2, 1.9, 2.5, 3.99];
      const took = await Promise.all(waits.map(timed));
      took.forEach((ms, index) => expect(ms).toBeGreaterThanOrEqual(waits[index] ?? 0));
    }
  });

  it("yields to the event loop even for 0 ms, and never fires synchronously", async () => {
    let fired = false;
    const done = new Promise<void>((resolve) => {
      systemClock.after(0, () => {
        fired = true;
        resolve();
      });
    });
    await Promise.resolve();
    expect(fired).toBe(false);
    await done;
  });

  it("tells durations monotonically and dates by the wall", () => {
    expect(systemClock.now()).toBeLessThanOrEqual(systemClock.now());
    expect(Math.abs(systemClock.wallNow() - Date.now())).toBeLessThan(1_000);
  });
});
