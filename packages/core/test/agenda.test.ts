import fc from "fast-check";
import { expect, it } from "vitest";
import { virtualClock } from "@holdfast/core/testing";
import { Agenda, type AgendaItem } from "../src/agenda.ts";

interface Item extends AgendaItem {
  readonly at: number;
}

const item = (at: number): Item => ({ at, tick: 0, place: undefined });

it("calls each item that is still on it once, never early and at most a tick late", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat({ max: 5_000 }), deletedAt: fc.option(fc.nat({ max: 5_000 })) }), {
        maxLength: 40,
      }),
      async (plans) => {
        const clock = virtualClock();
        const due = new Map<Item, number>();
        const agenda = new Agenda<Item>(clock, (one) => {
          expect(due.has(one)).toBe(false);
          due.set(one, clock.now());
        });
        const start = clock.now();
        const items = plans.map(({ at, deletedAt }) => {
          const one = item(start + at);
          agenda.set(one, one.at);
          if (deletedAt !== null) {
            clock.after(deletedAt, () => {
              agenda.delete(one);
            });
          }
          return { one, deletedAt: start + (deletedAt ?? Infinity) };
        });
        await clock.advance(6_000);
        for (const { one, deletedAt } of items) {
          const called = due.get(one);
          if (called === undefined) expect(deletedAt).toBeLessThanOrEqual(one.at + 50);
          else {
            expect(called).toBeGreaterThanOrEqual(one.at);
            expect(called).toBeLessThanOrEqual(one.at + 50);
          }
          if (deletedAt < one.at) expect(called).toBeUndefined();
        }
        expect(agenda.size).toBe(0);
        expect(clock.pending).toBe(0);
      },
    ),
  );
});

it("takes what is put down again, and what is taken off, by another that is due", async () => {
  const clock = virtualClock();
  const seen: string[] = [];
  const [a, b, c] = [item(100), item(100), item(100)];
  const agenda = new Agenda<Item>(clock, (one) => {
    seen.push(`${one === a ? "a" : one === b ? "b" : "c"} at ${String(clock.now())}`);
    if (one !== a || seen.length > 1) return;
    agenda.delete(b);
    agenda.set(a, clock.now() + 1_000);
  });
  for (const one of [a, b, c]) agenda.set(one, 100);
  await clock.advance(5_000);
  expect(seen).toEqual(["a at 100", "c at 100", "a at 1100"]);
  expect(clock.pending).toBe(0);
});

it("does not grow while there is always something on it", async () => {
  const clock = virtualClock();
  let due = 0;
  const agenda = new Agenda<Item>(clock, () => {
    due += 1;
  });
  // A receiver at work: each lock would last for 30 s, most are given up at once, and one at least is always held.
  for (let round = 0; round < 5_000; round += 1) {
    const [settled, held] = [item(0), item(0)];
    agenda.set(held, clock.now() + 30_000);
    await clock.advance(50);
    agenda.set(settled, clock.now() + 30_000);
    agenda.delete(settled);
    if (round % 20 !== 0) agenda.delete(held);
  }
  expect(due).toBeGreaterThan(0);
  expect(agenda.ticks).toBeLessThan(1_000);
});
