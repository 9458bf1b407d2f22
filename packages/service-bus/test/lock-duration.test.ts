import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LockDuration } from "../src/lock-duration.ts";

describe("the rest of a lock's life", () => {
  it("is what the two clocks say when they agree", () => {
    const now = Date.now();
    expect(new LockDuration().restMs({ lockedUntil: new Date(now + 30_000) }, now)).toBe(30_000);
  });

  it("is never believed longer than a fresh message's lock, however late our clock is, nor than five minutes", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5_000, max: 300_000 }),
        fc.integer({ min: -300_000, max: 300_000 }),
        fc.integer({ min: 0, max: 1_000 }),
        (durationMs, skewMs, ageMs) => {
          const serviceNow = 1_800_000_000_000;
          const ourNow = serviceNow + skewMs;
          const times = {
            lockedUntil: new Date(serviceNow + durationMs),
            enqueuedAt: new Date(serviceNow - ageMs),
          };
          const duration = new LockDuration();
          const restMs = duration.restMs(times, ourNow);
          expect(restMs).toBeLessThanOrEqual(durationMs + ageMs);
          // 0: the clocks cannot be trusted, and the lock is renewed at once; then the bound is known.
          const renewedMs = duration.renewedMs(new Date(serviceNow + durationMs), ourNow);
          expect(renewedMs).toBeGreaterThan(0);
          expect(renewedMs).toBeLessThanOrEqual(durationMs + ageMs);
        },
      ),
    );
  });

  it("is not known for a lock that seems to have ended, or to last for ever: it is renewed at once", () => {
    const now = Date.now();
    const duration = new LockDuration();
    expect(duration.restMs({ lockedUntil: new Date(now - 1) }, now)).toBe(0);
    expect(duration.restMs({ lockedUntil: new Date(now + 400_000) }, now)).toBe(0);
    expect(duration.restMs({ lockedUntil: undefined }, now)).toBe(0);
    // The shortest that can be configured is safe.
    expect(duration.renewedMs(new Date(now + 400_000), now)).toBe(5_000);
  });

  it("is halved after a lock was lost before its time", () => {
    const now = Date.now();
    const duration = new LockDuration();
    duration.restMs({ lockedUntil: new Date(now + 60_000), enqueuedAt: new Date(now) }, now);
    duration.wasTooLong();
    expect(duration.restMs({ lockedUntil: new Date(now + 60_000) }, now)).toBe(30_000);
  });
});
