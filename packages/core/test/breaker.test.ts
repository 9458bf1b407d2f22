import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  breaker,
  failureOf,
  policy,
  type Breaker,
  type BreakerOptions,
  type BreakerTrouble,
} from "../src/index.ts";
import { seededRandom, virtualClock } from "../src/testing.ts";
import { countingSignal, failing, failure, rejection, scene } from "./scene.ts";

const never = (): Promise<never> => new Promise(() => {});
const trouble = { fault: { kind: "transient" }, error: failure("Internal") } as unknown as BreakerTrouble;

const fuse = (options: BreakerOptions = {}) => {
  const clock = virtualClock();
  return { clock, switch: breaker({ random: () => 0, ...options, clock }) };
};

function call(one: Breaker, fails: boolean): void {
  const pass = one.enter();
  expect(pass).toBeTypeOf("number");
  one.leave(pass as number, fails ? trouble : undefined);
}

describe("a closed breaker", () => {
  it("opens after as many failures in a row as it was told, and not before", () => {
    const { switch: one } = fuse({ consecutive: 3 });
    for (const fails of [true, true, false, true, true]) call(one, fails);
    expect(one.state.name).toBe("closed");
    call(one, true);
    expect(one.state).toMatchObject({ name: "open", until: 10_000, trouble });
  });

  it("opens when the share of the latest calls that failed is reached, not before there were enough", () => {
    const { switch: one } = fuse({ ratio: { failed: 0.5, of: 4 } });
    for (const fails of [true, true, false]) call(one, fails);
    expect(one.state.name).toBe("closed");
    call(one, false);
    expect(one.state.name).toBe("closed");
    call(one, true);
    expect(one.state.name).toBe("open");
    const { switch: other } = fuse({ ratio: { failed: 0.5, of: 4 } });
    for (const fails of [true, false, false, false, true, false, false, false, true]) call(other, fails);
    expect(other.state.name).toBe("closed");
    call(other, true);
    expect(other.state.name).toBe("open");
  });
});

describe("an open breaker", () => {
  it("refuses until its time is over, then lets one call through", async () => {
    const { clock, switch: one } = fuse({ consecutive: 1, openMs: 5_000 });
    call(one, true);
    await clock.advance(4_999);
    expect(one.enter()).toMatchObject({ ...trouble, retryInMs: 1 });
    await clock.advance(1);
    expect(one.enter()).toBeTypeOf("number");
    expect(one.state.name).toBe("half-open");
    expect(one.enter()).toMatchObject({ retryInMs: 5_000 });
  });

  it("closes when that call succeeds, opens again when it fails", async () => {
    const { clock, switch: one } = fuse({ consecutive: 1, openMs: 5_000 });
    call(one, true);
    await clock.advance(5_000);
    call(one, true);
    expect(one.state).toMatchObject({ name: "open", until: 10_000 });
    await clock.advance(5_000);
    call(one, false);
    expect(one.state.name).toBe("closed");
  });

  it("lets the next call try when that one was aborted, or never came back", async () => {
    const { clock, switch: one } = fuse({ consecutive: 1, openMs: 5_000 });
    call(one, true);
    await clock.advance(5_000);
    one.forget(one.enter() as number);
    expect(one.enter()).toBeTypeOf("number");
    expect(one.enter()).toBeTypeOf("object");
    await clock.advance(5_000);
    expect(one.enter()).toBeTypeOf("number");
  });

  it("does not listen to calls that began before", async () => {
    const { clock, switch: one } = fuse({ consecutive: 1 });
    const early = one.enter() as number;
    call(one, true);
    one.leave(early, undefined);
    expect(one.state.name).toBe("open");
    await clock.advance(10_000);
    const probe = one.enter() as number;
    one.leave(early, trouble);
    expect(one.state.name).toBe("half-open");
    one.leave(probe, undefined);
    one.leave(early, trouble);
    one.forget(early);
    expect(one.state.name).toBe("closed");
  });

  it("reopens at a time of its own, so that processes do not try all at once", () => {
    const times = Array.from({ length: 200 }, (_, seed) => {
      const { switch: one } = fuse({ consecutive: 1, random: seededRandom(seed) });
      call(one, true);
      return one.state.name === "open" ? one.state.until : 0;
    });
    expect(Math.min(...times)).toBeGreaterThanOrEqual(10_000);
    expect(Math.max(...times)).toBeLessThan(15_000);
    expect(new Set(times.map((ms) => Math.floor(ms / 250))).size).toBeGreaterThan(15);
  });
});

it.each([
  [{ consecutive: 0 }, /breaker\.consecutive must be a whole number, 1 or more; got 0/],
  [{ ratio: { failed: 0, of: 10 } }, /breaker\.ratio\.failed/],
  [{ ratio: { failed: 0.5, of: 0 } }, /breaker\.ratio\.of/],
  [{ ratio: { failed: 0.5, of: 5 }, consecutive: 5 }, /breaker\.consecutive must be left out/],
  [{ ratio: 0.5 as never }, /breaker\.ratio must be an object/],
  [{ openMs: Infinity }, /breaker\.openMs/],
  [null as never, /breaker must be an object/],
])("refuses options out of range: %o", (options, message) => {
  expect(() => breaker(options)).toThrow(message);
});

it("never sticks: whatever happened, it lets a call through after its time, and one success closes it", async () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant("enter" as const) }),
    fc.record({
      type: fc.constantFrom("succeed" as const, "fail" as const, "forget" as const),
      which: fc.nat(),
    }),
    fc.record({ type: fc.constant("time" as const), ms: fc.nat(20_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { clock, switch: one } = fuse({ consecutive: 2 });
      const passes: number[] = [];
      for (const did of steps) {
        if (did.type === "time") await clock.advance(did.ms);
        else if (did.type === "enter") {
          const pass = one.enter();
          if (typeof pass === "number") passes.push(pass);
        } else if (passes.length > 0) {
          const [pass] = passes.splice(did.which % passes.length, 1) as [number];
          if (did.type === "forget") one.forget(pass);
          else one.leave(pass, did.type === "fail" ? trouble : undefined);
        }
      }
      await clock.advance(15_000);
      call(one, false);
      expect(one.state.name).toBe("closed");
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 200 },
  );
});

describe("calls behind a breaker", () => {
  const once = policy({ attempts: 1 });

  it("are refused while it is open, with the error that opened it as the cause and its kind", async () => {
    const { clock, run, seen, events } = scene({ policy: once });
    const one = breaker({ consecutive: 2, clock, random: () => 0 });
    const error = failure("Internal");
    for (let index = 0; index < 2; index += 1) {
      await clock.settle(rejection(run(() => Promise.reject(error), { breaker: one })));
    }
    const refused = await clock.settle(rejection(run(() => "done", { breaker: one })));
    expect(refused).toMatchObject({ name: "HoldfastError", code: "breaker-open", cause: error });
    expect(String(refused)).toMatch(/tried again in 10000 ms/);
    expect(failureOf(refused)).toMatchObject({
      kind: "transient",
      id: "Internal",
      reason: "breaker",
      outcome: "rejected",
      attempts: [],
    });
    expect(seen).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ type: "give-up", reason: "breaker", attempts: 0 });
    await clock.advance(10_000);
    expect(await clock.settle(run(() => "done", { breaker: one }))).toBe("done");
    expect(one.state.name).toBe("closed");
  });

  it("count once each, with all their retries", async () => {
    const { clock, run } = scene({ policy: policy({ attempts: 5 }) });
    const one = breaker({ consecutive: 2, clock });
    await clock.settle(rejection(run(() => Promise.reject(failure("Internal")), { breaker: one })));
    expect(one.state.name).toBe("closed");
    await clock.settle(run(failing(failure("Internal"), failure("Internal")), { breaker: one }));
    expect(one.state.name).toBe("closed");
  });

  it.each(["NotFound", "Busy", "Unauthorized"])("%s is an answer: the service works", async (code) => {
    const { clock, run } = scene({ policy: once });
    const one = breaker({ consecutive: 1, clock });
    await clock.settle(rejection(run(() => Promise.reject(failure(code)), { breaker: one })));
    expect(one.state.name).toBe("closed");
  });

  it.each(["Internal", "LostAnswer", "Detached", "Strange"])("%s is none", async (code) => {
    const { clock, run } = scene({ policy: once });
    const one = breaker({ consecutive: 1, clock });
    await clock.settle(rejection(run(() => Promise.reject(failure(code)), { breaker: one })));
    expect(one.state.name).toBe("open");
  });

  it("leave the trial to the next when their caller aborts, before or during it", async () => {
    const { clock, run } = scene({ policy: once });
    const one = breaker({ consecutive: 1, clock, random: () => 0 });
    await clock.settle(rejection(run(() => Promise.reject(failure("Internal")), { breaker: one })));
    await clock.advance(10_000);
    const signal = countingSignal();
    const trial = rejection(run(never, { breaker: one, signal }));
    await clock.advance(5);
    expect(one.state.name).toBe("half-open");
    signal.abort();
    await trial;
    expect(one.state.name).toBe("open");
    await clock.settle(rejection(run(() => "done", { breaker: one, signal })));
    expect(await clock.settle(run(() => "done", { breaker: one }))).toBe("done");
    expect(one.state.name).toBe("closed");
  });
});
