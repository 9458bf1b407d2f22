import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { creditPacing, gate, lanes, type Gate, type GateOptions, type Lane } from "../src/index.ts";
import { seededRandom, virtualClock, type VirtualClock } from "../src/testing.ts";

const scene = (options: GateOptions = {}): { clock: VirtualClock; door: Gate } => {
  const clock = virtualClock();
  return { clock, door: gate({ ...options, clock }) };
};

/** Enters and leaves at once, as an accepted operation that takes no time; resolves with the time it was let in. */
async function pass(door: Gate, clock: VirtualClock, lane: Lane = "send", cost = 1): Promise<number> {
  await door.enter(lane, cost)?.admitted;
  const at = clock.now();
  door.leave("accepted", cost);
  return at;
}

/** The most that any stretch of `ms` milliseconds holds. */
function most(spent: readonly { at: number; cost: number }[], ms: number): number {
  const ordered = spent.toSorted((a, b) => a.at - b.at);
  let first = 0;
  let sum = 0;
  let top = 0;
  for (const { at, cost } of ordered) {
    sum += cost;
    while (ordered[first]!.at <= at - ms) sum -= ordered[first++]!.cost;
    top = Math.max(top, sum);
  }
  return top;
}

/** What a service with fixed windows that throttles beyond `perSecond` makes of it; returns how many it refused. */
async function overload(
  door: Gate,
  clock: VirtualClock,
  arrivals: number,
  perSecond: number,
): Promise<number> {
  let refused = 0;
  let window = -1;
  let left = 0;
  const operation = async (): Promise<void> => {
    for (;;) {
      await door.enter("send", 1)?.admitted;
      const now = Math.floor(clock.now() / 1_000);
      if (now !== window) [window, left] = [now, perSecond];
      left -= 1;
      if (left >= 0) {
        door.leave("accepted", 1);
        return;
      }
      refused += 1;
      door.leave("throttled", 1);
      await new Promise<void>((resolve) => clock.after(2_000, resolve));
    }
  };
  const work: Promise<void>[] = [];
  for (let index = 0; index < arrivals; index += 1) {
    clock.after(index * 10, () => work.push(operation()));
  }
  await clock.advance(arrivals * 10);
  await clock.settle(Promise.all(work));
  return refused;
}

/** Throttles everything for a minute and more: then one credit in two seconds is left. */
async function choke(door: Gate, clock: VirtualClock): Promise<void> {
  for (let second = 0; second < 60; second += 1) {
    const wait = door.enter("send", 1);
    if (wait !== undefined) await clock.settle(wait.admitted);
    door.leave("throttled", 1);
    await clock.advance(1_000);
  }
}

describe("a gate that has not seen throttling", () => {
  it("lets everything pass at once and sets no timer", () => {
    const { clock, door } = scene();
    for (let index = 0; index < 10_000; index += 1) expect(door.enter("send", 1)).toBeUndefined();
    expect(door.state).toEqual({ creditsPerSecond: Infinity, waiting: 0, inFlight: 10_000 });
    expect(clock.pending).toBe(0);
  });
});

describe("throttling", () => {
  it("SBC-045 paces from then on at 85 % of what was accepted, growing 5 % a second", async () => {
    const { clock, door } = scene();
    for (let index = 0; index < 300; index += 1) {
      expect(await pass(door, clock)).toBe(clock.now());
      await clock.advance(10);
    }
    door.enter("send", 1);
    door.leave("throttled", 1);
    expect(door.state.creditsPerSecond).toBeCloseTo(0.85 * 100, 0);
    await clock.advance(2_000);
    expect(door.state.creditsPerSecond).toBeCloseTo(0.85 * 100 * 1.05 ** 2, 0);
  });

  it("cuts once a second at most, however many are refused", async () => {
    const { clock, door } = scene();
    for (let index = 0; index < 300; index += 1) {
      await pass(door, clock);
      await clock.advance(10);
    }
    for (let index = 0; index < 50; index += 1) {
      door.enter("send", 1);
      door.leave("throttled", 1);
      await clock.advance(19);
    }
    expect(door.state.creditsPerSecond).toBeGreaterThan(80);
  });

  it("goes by what was accepted, not by what was sent", async () => {
    const { clock, door } = scene();
    for (let index = 0; index < 300; index += 1) {
      door.enter("send", 1);
      door.leave(index % 4 === 0 ? "accepted" : "failed", 1);
      await clock.advance(10);
    }
    door.enter("send", 1);
    door.leave("throttled", 1);
    expect(door.state.creditsPerSecond).toBeCloseTo(0.85 * 25, 0);
  });

  it("begins at a guess when nothing was accepted lately, and does not end below one credit in two seconds", async () => {
    const { clock, door } = scene();
    await pass(door, clock);
    await clock.advance(3_600_000);
    door.enter("send", 1);
    door.leave("throttled", 1);
    await clock.advance(5_000);
    expect(door.state.creditsPerSecond).toBe(8.5);
    await choke(door, clock);
    expect(door.state.creditsPerSecond).toBeGreaterThanOrEqual(0.5);
  });

  it("is forgotten when nobody has had to wait for ten seconds", async () => {
    const { clock, door } = scene();
    door.enter("send", 1);
    door.leave("throttled", 1);
    await clock.advance(5_000);
    expect(door.state.creditsPerSecond).toBeLessThan(10);
    await clock.advance(5_001);
    expect(door.state.creditsPerSecond).toBe(Infinity);
    expect(clock.pending).toBe(0);
  });

  it("is not forgotten while somebody waits, however long", async () => {
    const { clock, door } = scene();
    await choke(door, clock);
    expect(door.state.creditsPerSecond).toBeLessThan(1);
    for (let index = 0; index < 60; index += 1) door.enter("send", 1);
    await clock.advance(12_000);
    expect(door.state.waiting).toBeGreaterThan(30);
    expect(door.state.creditsPerSecond).toBeLessThan(2);
  });

  it("is high again within half a minute when the refusals have ended, however low it was", async () => {
    const { clock, door } = scene();
    await choke(door, clock);
    for (let index = 0; index < 100; index += 1) door.enter("send", 1);
    await clock.advance(30_000);
    expect(door.state.waiting).toBe(0);
    expect(door.state.creditsPerSecond).toBeGreaterThan(50);
  });

  it("limits a service that has just begun to accept only when a second of it is known", async () => {
    const { clock, door } = scene();
    for (let index = 0; index < 3; index += 1) await pass(door, clock);
    door.enter("send", 1);
    door.leave("throttled", 1);
    expect(door.state.creditsPerSecond).toBe(Infinity);
    for (let index = 0; index < 97; index += 1) {
      await clock.advance(10);
      expect(await pass(door, clock)).toBe(clock.now());
    }
    await clock.advance(100);
    expect(door.state.creditsPerSecond).toBeGreaterThan(70);
    expect(door.state.creditsPerSecond).toBeLessThan(90);
  });

  it.each([
    { perSecond: 2, share: 0.1 },
    { perSecond: 20, share: 0.1 },
    { perSecond: 200, share: 0.1 },
    { perSecond: 200, share: 0.01 },
  ])(
    "at random, $share of $perSecond a second, does not strangle the sends",
    async ({ perSecond, share }) => {
      const { clock, door } = scene();
      const random = seededRandom(7);
      let longestMs = 0;
      const operation = async (): Promise<void> => {
        const since = clock.now();
        for (let attempt = 1; ; attempt += 1) {
          await door.enter("send", 1, attempt > 1)?.admitted;
          if (random() >= share) break;
          door.leave("throttled", 1);
          await new Promise<void>((resolve) => clock.after(2_000 + random() * 500, resolve));
        }
        door.leave("accepted", 1);
        longestMs = Math.max(longestMs, clock.now() - since);
      };
      const operations: Promise<void>[] = [];
      for (let index = 0; index < perSecond * 60; index += 1) {
        operations.push(operation());
        await clock.advance(1_000 / perSecond);
      }
      await clock.settle(Promise.all(operations));
      // Several refusals in a row take that long by themselves; a gate that took each for overload held them up for minutes.
      expect(longestMs).toBeLessThan(30_000);
      expect(clock.now()).toBeLessThan(90_000);
    },
  );

  it("TH-18 stays rare under an overload of one and a half times", async () => {
    const { clock, door } = scene();
    expect(await overload(door, clock, 3_000, 66)).toBeLessThan(3_000 * 0.03);
  });
});

describe("pacing", () => {
  it.each([
    ["1000 a second", creditPacing.standard.creditsPerSecond, 1, 5_000],
    ["30 a second", creditPacing.reduced.creditsPerSecond, 1, 150],
    ["30 a second, 10 each", creditPacing.reduced.creditsPerSecond, 10, 30],
  ])("%s: never more in any second, and little less", async (_name, creditsPerSecond, cost, count) => {
    const { clock, door } = scene({ pacing: { creditsPerSecond } });
    const passes = Array.from({ length: count }, () => pass(door, clock, "send", cost));
    const at = await clock.settle(Promise.all(passes));
    expect(
      most(
        at.map((time) => ({ at: time, cost })),
        1_000,
      ),
    ).toBeLessThanOrEqual(creditsPerSecond);
    const seconds = (cost * count) / creditsPerSecond;
    expect(Math.max(...at)).toBeLessThan(seconds * 1.1 * 1_000);
    expect(clock.pending).toBe(0);
  });

  it("is smooth: it does not save credits for a burst", async () => {
    const { clock, door } = scene({ pacing: { creditsPerSecond: 1_000 } });
    await clock.advance(10_000);
    const at = await clock.settle(Promise.all(Array.from({ length: 2_000 }, () => pass(door, clock))));
    expect(at.filter((time) => time === 10_000).length).toBeLessThanOrEqual(101);
  });

  it("holds in every second of the service, wherever it begins and however long messages travel", async () => {
    const times = fc.array(
      fc.record({ ms: fc.nat(400), countedAt: fc.double({ min: 0, max: 1, noNaN: true }) }),
      {
        minLength: 5,
        maxLength: 20,
      },
    );
    await fc.assert(
      fc.asyncProperty(times, fc.constantFrom(10, 30, 100), async (travels, creditsPerSecond) => {
        const { clock, door } = scene({ pacing: { creditsPerSecond } });
        const counted: { at: number; cost: number }[] = [];
        const operation = async (index: number): Promise<void> => {
          await door.enter("send", 1)?.admitted;
          const { ms, countedAt } = travels[index % travels.length]!;
          const there = ms * countedAt;
          await new Promise<void>((resolve) => clock.after(there, resolve));
          counted.push({ at: clock.now(), cost: 1 });
          await new Promise<void>((resolve) => clock.after(ms - there, resolve));
          door.leave("accepted", 1);
        };
        await clock.settle(
          Promise.all(Array.from({ length: 3 * creditsPerSecond }, (_, index) => operation(index))),
        );
        expect(most(counted, 1_000)).toBeLessThanOrEqual(creditsPerSecond);
        expect(clock.now()).toBeLessThan(3 * 1_600);
      }),
      { numRuns: 60 },
    );
  });

  it("becomes exact also for what was under way when it was asked for", async () => {
    const { clock, door } = scene();
    for (let index = 0; index < 8; index += 1) door.enter("send", 1);
    door.restrict({ pacing: { creditsPerSecond: 10 } });
    await clock.advance(5_000);
    expect([door.enter("send", 1), door.enter("send", 1)]).toEqual([undefined, undefined]);
    const wait = door.enter("send", 1);
    for (let index = 0; index < 10; index += 1) door.leave("accepted", 1);
    await clock.settle(wait!.admitted);
    expect(clock.now()).toBeGreaterThanOrEqual(6_000);
  });

  it("lets through what costs more than a second's worth, and then nothing for a second", async () => {
    const { clock, door } = scene({ pacing: { creditsPerSecond: 5 } });
    expect(await clock.settle(pass(door, clock, "administration", 10))).toBe(0);
    expect(await clock.settle(pass(door, clock))).toBeGreaterThanOrEqual(1_000);
  });

  it("becomes stricter, never laxer, when another user of the gate asks for it", async () => {
    const { door } = scene({ pacing: { creditsPerSecond: 100 }, maxInFlight: 5 });
    door.restrict({ pacing: { creditsPerSecond: 1_000 } });
    expect(door.state.creditsPerSecond).toBeLessThanOrEqual(100);
    door.restrict({ pacing: { creditsPerSecond: 30 }, maxInFlight: 1 });
    expect(door.state.creditsPerSecond).toBeLessThanOrEqual(30);
    expect([door.enter("send", 1), door.state.inFlight]).toEqual([undefined, 1]);
    expect(door.enter("send", 1)).toBeDefined();
  });
});

describe("lanes", () => {
  it("TH-14 go in order of what is lost by waiting; within one, first come first served", async () => {
    const { clock, door } = scene({ maxInFlight: 1 });
    door.enter("send", 1);
    const order: string[] = [];
    for (const index of [1, 2]) {
      for (const lane of lanes.toReversed()) {
        void door.enter(lane, 1)?.admitted.then(() => {
          order.push(`${lane} ${index}`);
          door.leave("accepted", 1);
        });
      }
    }
    door.leave("accepted", 1);
    await clock.advance(0);
    expect(order).toEqual(lanes.flatMap((lane) => [`${lane} 1`, `${lane} 2`]));
  });

  it("TH-14 leave a fifth of the credits to who waits behind, but a renewal waits for nobody", async () => {
    const { clock, door } = scene({ maxInFlight: 1 });
    door.enter("send", 1);
    const credits = new Map<Lane, number>();
    const order: Lane[] = [];
    const wait = (lane: Lane, cost: number): void => {
      void door.enter(lane, cost)?.admitted.then(() => {
        credits.set(lane, (credits.get(lane) ?? 0) + cost);
        order.push(lane);
        door.leave("accepted", cost);
      });
    };
    for (let index = 0; index < 1_000; index += 1) wait("settlement", 1);
    for (let index = 0; index < 1_000; index += 1) wait("send", 1);
    for (let index = 0; index < 100; index += 1) wait("administration", 10);
    door.leave("accepted", 1);
    wait("renewal", 10);
    await clock.advance(0);
    expect(order[0]).toBe("settlement");
    expect(order[1]).toBe("renewal");
    // As long as all wait.
    const first = order.slice(0, order.lastIndexOf("settlement"));
    const share = (lane: Lane, cost: number): number =>
      (first.filter((one) => one === lane).length * cost) /
      (first.filter((one) => one !== "administration").length +
        first.filter((one) => one === "administration").length * 10);
    expect(share("settlement", 1)).toBeGreaterThan(0.5);
    expect(share("send", 1)).toBeGreaterThan(0.15);
    expect(share("administration", 10)).toBeGreaterThan(0.15);
  });
});

describe("whoever gives up waiting", () => {
  it("serves those whom the service sent back before the newcomers of their lane, after higher lanes", async () => {
    const { clock, door } = scene({ maxInFlight: 1 });
    door.enter("send", 1);
    const order: string[] = [];
    const wait = (name: string, lane: Lane, returns: boolean): void => {
      void door.enter(lane, 1, returns)?.admitted.then(() => {
        order.push(name);
        door.leave("accepted", 1);
      });
    };
    wait("new", "send", false);
    wait("back", "send", true);
    wait("back later", "send", true);
    wait("settlement", "settlement", false);
    door.leave("accepted", 1);
    await clock.advance(10);
    expect(order).toEqual(["settlement", "back", "back later", "new"]);
  });

  it("leaves nothing behind: no place, no timer", async () => {
    const { clock, door } = scene({ pacing: { creditsPerSecond: 1 } });
    await pass(door, clock);
    const waits = Array.from({ length: 10_000 }, () => door.enter("send", 1)!);
    expect([door.state.waiting, clock.pending]).toEqual([10_000, 1]);
    for (const wait of waits) {
      wait.cancel();
      wait.cancel();
    }
    expect([door.state.waiting, door.state.inFlight, clock.pending]).toEqual([0, 0, 0]);
  });

  it("gives the place back when it was granted in the same moment", async () => {
    const { door } = scene({ maxInFlight: 1 });
    door.enter("send", 1);
    const [first, second] = [door.enter("send", 1)!, door.enter("send", 1)!];
    door.leave("accepted", 1);
    first.cancel();
    first.cancel();
    await second.admitted;
    expect(door.state).toMatchObject({ waiting: 0, inFlight: 1 });
  });

  it("lets the cheaper one behind go", async () => {
    const { clock, door } = scene({ pacing: { creditsPerSecond: 10 } });
    await pass(door, clock, "send", 5);
    await clock.advance(600);
    const dear = door.enter("send", 10)!;
    const cheap = door.enter("send", 1)!;
    dear.cancel();
    await cheap.admitted;
    expect(clock.now()).toBe(600);
  });
});

it("serves ten thousand waiters with one timer, in about constant time each", async () => {
  const { clock, door } = scene({ pacing: { creditsPerSecond: 1_000 } });
  const start = performance.now();
  const passes = Array.from({ length: 10_000 }, () => pass(door, clock));
  expect(clock.pending).toBe(1);
  await clock.settle(Promise.all(passes));
  expect(performance.now() - start).toBeLessThan(5_000);
});

it.each([
  [{ pacing: { creditsPerSecond: 0 } }, /gate\.pacing\.creditsPerSecond must be .* 1 or more; got 0/],
  [{ pacing: { creditsPerSecond: NaN } }, /creditsPerSecond/],
  [{ pacing: 5 as never }, /gate\.pacing must be/],
  [{ maxInFlight: 1.5 }, /gate\.maxInFlight must be a whole number, 1 or more, or Infinity; got 1.5/],
  [{ maxInflight: 1 } as never, /gate\.maxInflight must be left out/],
  ["fast" as never, /gate must be an object/],
])("refuses options out of range: %o", (options, message) => {
  expect(() => gate(options)).toThrow(message);
});

it.each([NaN, -1, Infinity])("refuses a cost of %d, which would close it for good", (cost) => {
  expect(() => scene().door.enter("send", cost)).toThrow(/cost must be/);
});

describe("whatever happens", () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("enter" as const),
        lane: fc.constantFrom(...lanes),
        cost: fc.constantFrom(1, 1, 1, 10),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant("leave" as const),
        outcome: fc.constantFrom("accepted", "accepted", "throttled", "failed"),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("cancel" as const), which: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant("time" as const), ms: fc.nat(3_000) }) },
  );
  const options = fc.record(
    {
      pacing: fc.record({ creditsPerSecond: fc.constantFrom(1, 3, 30, 1_000) }),
      maxInFlight: fc.constantFrom(1, 2, 10),
    },
    { requiredKeys: [] },
  );

  it("everybody is let in or has given up, no second holds more than allowed, and nothing stays behind", async () => {
    await fc.assert(
      fc.asyncProperty(options, fc.array(step, { maxLength: 80 }), async (given, steps) => {
        const { clock, door } = scene(given);
        const spent: { at: number; cost: number }[] = [];
        const inside: number[] = [];
        const waiting = new Map<number, () => void>();
        const cancelled = new Set<number>();
        const enter = (id: number, lane: Lane, cost: number): void => {
          const admit = (): void => {
            waiting.delete(id);
            if (cancelled.has(id)) return;
            spent.push({ at: clock.now(), cost: Math.min(cost, given.pacing?.creditsPerSecond ?? cost) });
            inside.push(cost);
            expect(inside.length).toBeLessThanOrEqual(given.maxInFlight ?? Infinity);
          };
          const wait = door.enter(lane, cost);
          if (wait === undefined) {
            admit();
            return;
          }
          waiting.set(id, () => {
            waiting.delete(id);
            cancelled.add(id);
            wait.cancel();
          });
          void wait.admitted.then(admit);
        };
        for (const [id, one] of steps.entries()) {
          if (one.type === "enter") enter(id, one.lane, one.cost);
          else if (one.type === "leave" && inside.length > 0) door.leave(one.outcome, inside.shift()!);
          else if (one.type === "cancel" && waiting.size > 0)
            [...waiting.values()][one.which % waiting.size]!();
          else if (one.type === "time") await clock.advance(one.ms);
          await Promise.resolve();
        }
        for (let round = 0; round < 1_000 && (waiting.size > 0 || inside.length > 0); round += 1) {
          while (inside.length > 0) door.leave("accepted", inside.shift()!);
          await clock.advance(1_000);
        }
        expect([waiting.size, inside.length]).toEqual([0, 0]);
        expect(door.state).toMatchObject({ waiting: 0, inFlight: 0 });
        expect(clock.pending).toBe(0);
        expect(most(spent, 1_000)).toBeLessThanOrEqual(given.pacing?.creditsPerSecond ?? Infinity);
        await clock.advance(60_000);
        expect(door.state.creditsPerSecond).toBeGreaterThanOrEqual(
          (given.pacing?.creditsPerSecond ?? Infinity) * 0.9,
        );
        expect(door.enter("administration", 10)).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});
