import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import { gate } from "@holdfast/core";
import { virtualClock } from "@holdfast/core/testing";
import { Caution } from "../src/caution.ts";
import { derivedId } from "../src/derived-id.ts";
import { DispositionTurns } from "../src/disposition-turns.ts";
import { HurriedGate } from "../src/hurried-gate.ts";
import { LinkSettlements } from "../src/link-settlements.ts";
import { reattachAfter } from "../src/reattach-pace.ts";
import { Slots } from "../src/slots.ts";

it("settles what is alike in one turn, and what is not in turns of its own, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("complete", "abandon", "reject 1", "reject 2"), { maxLength: 20 }),
      async (kinds) => {
        const clock = virtualClock();
        const written: { readonly kind: string; readonly turn: number }[] = [];
        let turn = 0;
        const turns = new DispositionTurns({
          ...clock,
          after: (ms, fire) =>
            clock.after(ms, () => {
              turn += 1;
              fire();
            }),
        });
        kinds.forEach((kind, index) => {
          turns.take({
            likeness: kind,
            write: () => written.push({ kind: `${kind} #${String(index)}`, turn }),
          });
        });
        await clock.advance(1_000);
        expect(clock.pending).toBe(0);
        expect(written.map(({ kind }) => kind)).toEqual(
          kinds.map((kind, index) => `${kind} #${String(index)}`),
        );
        const ofTurn = new Map<number, Set<string>>();
        for (const { kind, turn: at } of written) {
          ofTurn.set(at, (ofTurn.get(at) ?? new Set()).add(kind.replace(/ #.*/, "")));
        }
        for (const together of ofTurn.values()) expect(together.size).toBe(1);
      },
    ),
  );
});

it("lets the engine write every 32 of a large batch while the rest is still to be made", async () => {
  const clock = virtualClock();
  const turns = new DispositionTurns(clock);
  const written: number[] = [];
  const onWire: number[] = [];
  for (let index = 0; index < 100; index += 1) {
    turns.take({
      likeness: "complete",
      write: () => {
        // As the engine: it asks for the next tick with the first, and writes all that has come by then.
        if (written.length === (onWire.at(-1) ?? 0)) process.nextTick(() => onWire.push(written.length));
        written.push(index);
      },
    });
  }
  expect(written).toHaveLength(32);
  await turnOfTheLoop();
  expect(onWire).toEqual([32, 64, 96, 100]);
  expect(written).toEqual(Array.from({ length: 100 }, (_, index) => index));
  await clock.advance(10);
  expect(clock.pending).toBe(0);
});

it("gives places in the order of asking, and never more than there are", async () => {
  const slots = new Slots(2);
  expect([slots.take(), slots.take()]).toEqual([undefined, undefined]);
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (number) => {
    await slots.take();
    order.push(number);
  });
  slots.leave();
  slots.leave();
  await Promise.all(waiting.slice(0, 2));
  expect(order).toEqual([1, 2]);
  slots.leave();
  await waiting[2];
  slots.leave();
  slots.leave();
  expect(slots.free).toBe(2);
});

it("hurries for a minute after a passing fault, and from the third lasting one waits a second or more", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 600_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, downMs, chance) => {
        const random = (): number => chance;
        const passing = reattachAfter({ failures, kind: "disconnected", downMs }, random);
        expect(passing).toBeGreaterThanOrEqual(0);
        expect(passing).toBeLessThanOrEqual(downMs < 60_000 ? 0 : 8_000);
        const lasting = reattachAfter({ failures, kind: "not-found", downMs }, random);
        if (failures < 3) expect(lasting).toBe(0);
        else expect(lasting).toBeGreaterThanOrEqual(1_000);
        expect(lasting).toBeLessThanOrEqual(30_000);
      },
    ),
  );
});

it("lets a renewal through that has waited for as long as it may, and gives back only what it was given", async () => {
  const clock = virtualClock();
  const slow = gate({ pacing: { creditsPerSecond: 1 }, clock });
  const first = new HurriedGate(slow, clock, () => 500);
  expect(first.enter("renewal", 1)).toBeUndefined();
  const second = new HurriedGate(slow, clock, () => 500);
  const wait = second.enter("renewal", 1);
  let isIn = false;
  void wait?.admitted.then(() => (isIn = true));
  await clock.advance(499);
  expect(isIn).toBe(false);
  await clock.advance(2);
  expect(isIn).toBe(true);
  second.leave("accepted", 1);
  expect(slow.state.inFlight).toBe(1);
  first.leave("accepted", 1);
  expect(slow.state.inFlight).toBe(0);
});

it("gives each settlement up in its own time on a link that outlives one that had no answer", async () => {
  const clock = virtualClock();
  const start = clock.now();
  const late: number[] = [];
  const ended: number[] = [];
  const settlements = new LinkSettlements("orders", clock, (since) => late.push(since - start));
  const never = (): Promise<void> => new Promise(() => undefined);
  for (const at of [0, 100, 300]) {
    clock.after(at, () => {
      void settlements.settle("complete", 1_000, never).catch(() => ended.push(clock.now() - start));
    });
  }
  await clock.advance(5_000);
  expect(ended).toEqual([1_000, 1_100, 1_300]);
  expect(late).toEqual([0, 100, 300]);
  expect(clock.pending).toBe(0);
});

it("is cautious until something that was begun after the last trouble went well", () => {
  const changes: boolean[] = [];
  const caution: Caution = new Caution(() => changes.push(caution.isRaised));
  const before = caution.troubles;
  caution.raise();
  caution.wentWell(before);
  expect(caution.isRaised).toBe(true);
  const between = caution.troubles;
  caution.raise();
  caution.wentWell(between);
  expect(caution.isRaised).toBe(true);
  caution.wentWell(caution.troubles);
  caution.wentWell(caution.troubles);
  expect(changes).toEqual([true, true, false]);
});

it("gives every copy of a stored message an id of its own, the same whenever it is made, that the service takes", async () => {
  const sequence = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
  const copy = fc.tuple(fc.string({ maxLength: 128 }), sequence, fc.nat());
  await fc.assert(
    fc.asyncProperty(copy, copy, async (one, other) => {
      const id = await derivedId(...one);
      expect(await derivedId(...one)).toBe(id);
      expect(id.length).toBeLessThanOrEqual(128);
      expect(id).not.toBe(one[0]);
      expect((await derivedId(...other)) === id).toBe(String(one) === String(other));
    }),
  );
});
