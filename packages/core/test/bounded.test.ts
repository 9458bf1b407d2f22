import { describe, expect, it, vi } from "vitest";
import { bounded, Scope, type Verdict } from "../src/bounded.ts";
import { virtualClock } from "../src/testing.ts";
import { countingSignal, rejection } from "./scene.ts";

const late = (): Error => new Error("late");
const verdict: Verdict = { late, succeeded: () => {}, failed: (error) => error };
const never = (): Promise<never> => new Promise(() => {});

describe("the attempt's signal", () => {
  it("aborts with the reason that ended the attempt, also when first asked for afterwards", () => {
    const asked = new Scope(1);
    const signal = asked.signal;
    const reason = new Error("over");
    asked.end(reason);
    asked.end(new Error("again"));
    expect([signal.aborted, signal.reason]).toEqual([true, reason]);
    const lazy = new Scope(2);
    lazy.end(reason);
    expect([lazy.signal.aborted, lazy.signal.reason]).toEqual([true, reason]);
    expect(lazy.signal).toBe(lazy.signal);
  });
});

describe("work within bounds", () => {
  it("settles as the work does and leaves neither timer nor listener", async () => {
    const clock = virtualClock();
    const signal = countingSignal();
    expect(await bounded(() => Promise.resolve(5), new Scope(1), 100, clock, signal, verdict)).toBe(5);
    expect(
      await rejection(
        bounded(() => Promise.reject(new Error("x")), new Scope(1), 100, clock, signal, verdict),
      ),
    ).toEqual(new Error("x"));
    expect([clock.pending, signal.listeners]).toEqual([0, 0]);
  });

  it("rejects with what the work throws synchronously", async () => {
    const clock = virtualClock();
    const work = () => {
      throw new TypeError("at once");
    };
    expect(await rejection(bounded(work, new Scope(1), 100, clock, undefined, verdict))).toEqual(
      new TypeError("at once"),
    );
    expect(clock.pending).toBe(0);
  });

  it("is cut when its time is over; its signal aborts and its result is ignored", async () => {
    const clock = virtualClock();
    const signal = countingSignal();
    const scope = new Scope(1);
    let finish: (value: string) => void = () => {};
    const work = () => new Promise<string>((resolve) => (finish = resolve));
    const result = rejection(bounded(work, scope, 100, clock, signal, verdict));
    expect(await clock.settle(result)).toEqual(late());
    expect(clock.now()).toBe(100);
    expect(scope.signal.reason).toEqual(late());
    finish("too late");
    expect([clock.pending, signal.listeners]).toEqual([0, 0]);
  });

  it("is cut by the caller's abort at once", async () => {
    const clock = virtualClock();
    const signal = countingSignal();
    const scope = new Scope(1);
    const result = rejection(bounded(never, scope, Infinity, clock, signal, verdict));
    signal.abort("shutdown");
    expect(await result).toMatchObject({ name: "AbortError", cause: "shutdown" });
    expect(scope.signal.aborted).toBe(true);
    expect(signal.listeners).toBe(0);
  });

  it("has begun before anybody can abort it, so that nothing begins after an abort", async () => {
    const signal = countingSignal();
    let abortedWhenCalled: boolean | undefined;
    const work = () => {
      abortedWhenCalled = signal.aborted;
      return never();
    };
    const result = rejection(bounded(work, new Scope(1), 100, virtualClock(), signal, verdict));
    signal.abort();
    await result;
    expect(abortedWhenCalled).toBe(false);
  });

  it("does not begin when the caller has aborted already", async () => {
    const work = vi.fn(never);
    const signal = countingSignal();
    signal.abort();
    const clock = virtualClock();
    const result = bounded(work, new Scope(1), 100, clock, signal, verdict);
    expect(await rejection(result)).toMatchObject({ name: "AbortError" });
    expect(work).not.toHaveBeenCalled();
    expect([clock.pending, signal.listeners]).toEqual([0, 0]);
  });

  it("tells the verdict once, whatever else would have ended it", async () => {
    const told: string[] = [];
    const heard: Verdict = {
      late,
      succeeded: () => void told.push("succeeded"),
      failed: (error) => {
        told.push(String(error));
        return "another error";
      },
    };
    const clock = virtualClock();
    const signal = countingSignal();
    const scope = new Scope(1);
    const work = () => Promise.reject(new Error("its own"));
    const result = rejection(bounded(work, scope, 0, clock, signal, heard));
    scope.fail(new Error("lost"));
    signal.abort();
    expect(await result).toBe("another error");
    await clock.advance(100);
    const done = new Scope(2);
    expect(await bounded(() => 1, done, 100, clock, undefined, heard)).toBe(1);
    done.fail(new Error("too late"));
    expect(told).toEqual(["Error: lost", "succeeded"]);
  });

  it("can be failed by whoever knows that it is lost, once, and not after it ended", async () => {
    const clock = virtualClock();
    const scope = new Scope(1);
    const result = rejection(bounded(never, scope, 100, clock, undefined, verdict));
    const lost = new Error("the link is gone");
    scope.fail(lost);
    scope.fail(new Error("again"));
    expect(await result).toBe(lost);
    expect(scope.signal.reason).toBe(lost);
    expect(clock.pending).toBe(0);
    const done = new Scope(2);
    expect(await bounded(() => 7, done, 100, clock, undefined, verdict)).toBe(7);
    done.fail(lost);
    expect(done.signal.aborted).toBe(false);
  });
});
