import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { sharedTimers } from "../src/shared-timers.ts";
import { TimerLine, type Platform } from "../src/timer-line.ts";

/** A platform whose time stands still until it is moved. It tells whether a timer would keep the process alive. */
function platform() {
  let now = 0;
  let timers: { at: number; fire: () => void; holds: boolean }[] = [];
  const made: Platform = {
    kind: "test",
    now: () => now,
    set: (ms, fire) => {
      const timer = { at: now + ms, fire, holds: true };
      timers.push(timer);
      return { ref: () => (timer.holds = true), unref: () => (timer.holds = false) };
    },
  };
  return {
    ...made,
    get count() {
      return timers.length;
    },
    get holds() {
      return timers.some((timer) => timer.holds);
    },
    moveTo(ms: number) {
      for (;;) {
        const next = timers.filter(({ at }) => at <= ms).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        now = Math.max(now, next.at);
        next.fire();
      }
      now = ms;
    },
  };
}

describe("a line of timers of one length", () => {
  it("fires each at its time and in order, under one timer of the platform", () => {
    const p = platform();
    const line = new TimerLine(1_000, p, () => {});
    const fired: string[] = [];
    line.join(() => fired.push("a"));
    p.moveTo(300);
    line.join(() => fired.push("b"));
    expect(p.count).toBe(1);
    p.moveTo(999);
    expect(fired).toEqual([]);
    p.moveTo(1_000);
    expect(fired).toEqual(["a"]);
    p.moveTo(1_299);
    expect(fired).toEqual(["a"]);
    p.moveTo(1_300);
    expect(fired).toEqual(["a", "b"]);
  });

  it("keeps a process alive only while somebody waits, and is over when its timer runs out empty", () => {
    const p = platform();
    const over = vi.fn();
    const line = new TimerLine(1_000, p, over);
    const cancel = line.join(() => {});
    expect(p.holds).toBe(true);
    cancel();
    expect(p.holds).toBe(false);
    line.join(() => {})();
    const again = line.join(() => {});
    expect([p.holds, p.count]).toEqual([true, 1]);
    again();
    p.moveTo(1_000);
    expect([p.count, over.mock.calls.length]).toEqual([0, 1]);
  });

  it("fires the others when one throws", () => {
    const p = platform();
    const line = new TimerLine(1_000, p, () => {});
    const fired: string[] = [];
    line.join(() => {
      throw new Error("mine");
    });
    line.join(() => fired.push("b"));
    expect(() => {
      p.moveTo(1_000);
    }).toThrow("mine");
    p.moveTo(1_000);
    expect(fired).toEqual(["b"]);
  });

  it("takes in who joins while it fires", () => {
    const p = platform();
    const line = new TimerLine(1_000, p, () => {});
    const fired: number[] = [];
    line.join(() => line.join(() => fired.push(p.now())));
    p.moveTo(5_000);
    expect(fired).toEqual([2_000]);
  });

  it("does for any joining and leaving what a timer each would do", () => {
    const step = fc.record({ waitMs: fc.integer({ min: 0, max: 700 }), cancels: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const p = platform();
        const line = new TimerLine(1_000, p, () => {});
        const expected: number[] = [];
        const fired: number[] = [];
        const cancels: { at: number; cancel: () => void }[] = [];
        let now = 0;
        for (const { waitMs, cancels: isCancelled } of steps) {
          now += waitMs;
          // Who is to leave does so half-way.
          for (const one of cancels.splice(0)) {
            if (one.at <= now) {
              p.moveTo(one.at);
              one.cancel();
            } else cancels.push(one);
          }
          p.moveTo(now);
          const cancel = line.join(() => fired.push(p.now()));
          if (isCancelled) cancels.push({ at: now + 500, cancel });
          else expected.push(now + 1_000);
        }
        for (const one of cancels) {
          p.moveTo(one.at);
          one.cancel();
        }
        p.moveTo(now + 2_000);
        expect(fired).toEqual(expected);
        expect(p.holds).toBe(false);
      }),
    );
  });
});

describe("shared timers", () => {
  it("are those of a test that has put its own in the platform's place", async () => {
    sharedTimers.after(60_000, () => {})();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const fire = vi.fn();
      sharedTimers.after(60_000, fire);
      const cancelled = vi.fn();
      sharedTimers.after(60_000, cancelled)();
      await vi.advanceTimersByTimeAsync(59_999);
      expect(fire).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(2);
      expect([fire.mock.calls.length, cancelled.mock.calls.length]).toEqual([1, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("leave waits that are no limit to the system's clock: never early, fractions included", async () => {
    const began = sharedTimers.now();
    await new Promise<void>((resolve) => sharedTimers.after(3.4, resolve));
    expect(sharedTimers.now() - began).toBeGreaterThanOrEqual(3.4);
  });
});
