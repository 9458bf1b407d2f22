import fc from "fast-check";
import { expect, it } from "vitest";
import { virtualClock } from "@holdfast/core/testing";

it("moves only when told to", async () => {
  const clock = virtualClock(1_000);
  let fired = 0;
  clock.after(10, () => (fired += 1));
  await clock.advance(9);
  expect([fired, clock.now(), clock.wallNow(), clock.pending]).toEqual([0, 9, 1_009, 1]);
  await clock.advance(1);
  expect([fired, clock.now(), clock.pending]).toEqual([1, 10, 0]);
});

it("fires in the order of time, and what falls due on the way too", async () => {
  const clock = virtualClock();
  const order: string[] = [];
  clock.after(20, () => order.push(`b${clock.now()}`));
  clock.after(10, () => {
    order.push(`a${clock.now()}`);
    clock.after(5, () => order.push(`c${clock.now()}`));
  });
  await clock.advance(30);
  expect(order).toEqual(["a10", "c15", "b20"]);
  expect(clock.now()).toBe(30);
});

it("never fires synchronously, not even after 0 ms", () => {
  const clock = virtualClock();
  let fired = false;
  clock.after(0, () => (fired = true));
  expect(fired).toBe(false);
});

it("does not fire what was cancelled", async () => {
  const clock = virtualClock();
  const cancel = clock.after(1, () => expect.unreachable());
  cancel();
  await clock.advance(10);
  expect(clock.pending).toBe(0);
});

it("settles a promise by moving from timer to timer, months in no time", async () => {
  const clock = virtualClock();
  const month = new Promise<number>((resolve) => {
    clock.after(30 * 86_400_000, () => resolve(clock.now()));
  });
  expect(await clock.settle(month)).toBe(30 * 86_400_000);
});

it("settles as the promise does when it rejects", async () => {
  const clock = virtualClock();
  await expect(clock.settle(Promise.reject(new Error("no")))).rejects.toThrow("no");
});

it("says so when a promise can no longer settle", async () => {
  await expect(virtualClock().settle(new Promise(() => {}))).rejects.toThrow(/no timer is left/);
});

it("waits for chains of promises that are hundreds of steps long", async () => {
  const clock = virtualClock();
  const chain = async (): Promise<string> => {
    for (let step = 0; step < 500; step += 1) await Promise.resolve();
    return "end";
  };
  expect(await clock.settle(chain())).toBe("end");
});

it("fires every timer exactly at its time, in order, for any set of delays", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(10_000), { maxLength: 20 }), async (delays) => {
      const clock = virtualClock();
      const fired: number[] = [];
      for (const ms of delays) {
        clock.after(ms, () => {
          expect(clock.now()).toBe(ms);
          fired.push(ms);
        });
      }
      await clock.advance(10_000);
      expect(fired).toEqual(delays.toSorted((a, b) => a - b));
    }),
    { numRuns: 30 },
  );
});

it("stays exact when timers are cancelled in any order, and those set first fire first", async () => {
  const set = fc.record({ ms: fc.nat(20), cancelled: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(set, { maxLength: 60 }), async (timers) => {
      const clock = virtualClock();
      const fired: number[] = [];
      const cancels = timers.map(({ ms }, index) => clock.after(ms, () => fired.push(index)));
      timers.forEach(({ cancelled }, index) => {
        if (cancelled) cancels[index]!();
        if (cancelled) cancels[index]!();
      });
      const left = timers.map((timer, index) => ({ ...timer, index })).filter(({ cancelled }) => !cancelled);
      expect(clock.pending).toBe(left.length);
      await clock.advance(20);
      expect(fired).toEqual(left.toSorted((a, b) => a.ms - b.ms).map(({ index }) => index));
    }),
    { numRuns: 100 },
  );
});
