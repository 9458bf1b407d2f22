import { describe, expect, it } from "vitest";
import { failureOf, gate, policy, type RunSpec } from "../src/index.ts";
import { countingSignal, failing, failure, rejection, scene } from "./scene.ts";

const never = (): Promise<never> => new Promise(() => {});

/** A scene whose calls pass a gate on the same clock. */
function gated(options: Parameters<typeof gate>[0] = {}, spec: Partial<RunSpec> = {}) {
  const base = scene(spec);
  const door = gate({ ...options, clock: base.clock });
  const run: typeof base.run = (work, more) => base.run(work, { gate: door, ...more });
  return { ...base, run, door };
}

describe("a gate in front of the attempts", () => {
  it("is passed at once while it is silent, and left whatever the end", async () => {
    const { clock, run, seen, door } = gated();
    expect(await clock.settle(run(() => "done"))).toBe("done");
    await clock.settle(rejection(run(() => Promise.reject(failure("NotFound")))));
    await clock.settle(rejection(run(never, { policy: policy({ attempts: 1, deadlineMs: 1_000 }) })));
    expect(seen).toEqual([0, 0, 0]);
    expect(door.state).toEqual({ creditsPerSecond: Infinity, waiting: 0, inFlight: 0 });
  });

  it("learns from throttling: the refused call waits as asked, others are paced", async () => {
    const { clock, run, seen, door } = gated();
    for (let index = 0; index < 20; index += 1) {
      await run(() => "done");
      await clock.advance(100);
    }
    const refused = run(failing(failure("Busy", "Please wait 2 seconds")));
    await clock.advance(0);
    expect(door.state.creditsPerSecond).toBeGreaterThan(7);
    expect(door.state.creditsPerSecond).toBeLessThan(9);
    const others = Array.from({ length: 5 }, () => run(() => "done"));
    await clock.settle(Promise.all(others));
    expect(seen.at(-1)! - seen.at(-2)!).toBeGreaterThan(100);
    expect(clock.now()).toBeLessThan(4_000);
    await clock.settle(refused);
    expect(seen.at(-1)).toBeGreaterThanOrEqual(4_000);
    expect(door.state).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  it("lets a call that was sent back go before those that come for the first time", async () => {
    const { clock, run, door } = gated({ maxInFlight: 1 });
    const order: string[] = [];
    let attempts = 0;
    const refused = run(() => {
      attempts += 1;
      if (attempts === 1) return Promise.reject(failure("Busy", "Please wait 2 seconds"));
      order.push("sent back");
      return Promise.resolve();
    });
    // Each takes a second, so that there is a line when the refused call comes back.
    const others = Array.from({ length: 6 }, (_, index) =>
      run(async () => {
        await new Promise<void>((resolve) => clock.after(1_000, resolve));
        order.push(`other ${String(index)}`);
      }),
    );
    await clock.settle(Promise.all([refused, ...others]));
    expect(order.indexOf("sent back")).toBeLessThan(4);
    expect(door.state.inFlight).toBe(0);
  });

  it("counts the cost, and lets lock renewals go first", async () => {
    const { clock, run, door } = gated({ pacing: { creditsPerSecond: 10 } });
    const order: string[] = [];
    const call = (name: string, more: Partial<RunSpec>) => run(() => void order.push(name), more);
    await clock.settle(
      Promise.all([
        call("first", { cost: 10 }),
        call("admin", { cost: 10, lane: "administration" }),
        call("send", {}),
        call("renewal", { lane: "renewal" }),
      ]),
    );
    expect(order).toEqual(["first", "renewal", "send", "admin"]);
    expect(clock.now()).toBeGreaterThanOrEqual(2_000);
    expect(door.state.inFlight).toBe(0);
  });

  it("is waited at inside the deadline and outside the attempt's timeout", async () => {
    const { clock, run, seen } = gated({ pacing: { creditsPerSecond: 1 } });
    const times = policy({ attemptTimeoutMs: 100, deadlineMs: 2_500 });
    const calls = [1, 2, 3, 4].map(() =>
      run(() => "done", { policy: times }).catch((error: unknown) => error),
    );
    const [first, second, third, fourth] = await clock.settle(Promise.all(calls));
    expect([first, second, third]).toEqual(["done", "done", "done"]);
    expect(fourth).toMatchObject({ name: "HoldfastError", code: "deadline" });
    expect(failureOf(fourth)).toMatchObject({ reason: "deadline", outcome: "rejected", attempts: [] });
    expect([seen.length, clock.pending]).toEqual([3, 0]);
  });

  it("shows the service's own error to whoever is still waiting for another attempt at the deadline", async () => {
    const { clock, run, seen, events } = gated({ maxInFlight: 1 });
    const error = failure("Internal");
    const result = rejection(run(() => Promise.reject(error), { policy: policy({ deadlineMs: 5_000 }) }));
    await Promise.resolve();
    const other = run(() => new Promise((resolve) => clock.after(30_000, () => resolve("done"))), {
      policy: policy({ attemptTimeoutMs: 60_000 }),
    });
    expect(await clock.settle(result)).toBe(error);
    expect([clock.now(), seen.length]).toEqual([5_000, 2]);
    expect(failureOf(error)).toMatchObject({
      reason: "deadline",
      attempts: [{ attempt: 1 }],
      kind: "transient",
    });
    expect(events.at(-1)).toMatchObject({ type: "give-up", reason: "deadline", attempts: 1 });
    await clock.settle(other);
  });

  it("is left at once by a caller who aborts, with nothing behind", async () => {
    const signal = countingSignal();
    const { clock, run, seen, door } = gated({ pacing: { creditsPerSecond: 1 } });
    await run(() => "done");
    const result = rejection(run(() => "done", { signal }));
    await clock.advance(10);
    expect(door.state.waiting).toBe(1);
    signal.abort("shutdown");
    expect(await result).toMatchObject({ name: "AbortError", cause: "shutdown" });
    expect(clock.now()).toBe(10);
    expect([seen.length, clock.pending, signal.listeners]).toEqual([1, 0, 0]);
    expect(door.state).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  it("fails the call, not the process, when the cost is none", async () => {
    const { clock, run, door } = gated();
    expect(await clock.settle(rejection(run(() => "done", { cost: NaN })))).toMatchObject({
      code: "misconfigured",
    });
    expect(door.state.inFlight).toBe(0);
  });
});

describe("a gate and a connection to wait for", () => {
  it("asks for the connection before the gate, so that an outage spends no credits", async () => {
    const { clock, run, seen, door } = gated({ pacing: { creditsPerSecond: 100 } });
    const opens = new Promise<void>((resolve) => clock.after(20_000, resolve));
    const ready: RunSpec["ready"] = () => (clock.now() < 20_000 ? opens : undefined);
    const calls = Array.from({ length: 500 }, () => run(() => "done", { ready }));
    await clock.advance(19_000);
    expect(door.state).toMatchObject({ waiting: 0, inFlight: 0 });
    await clock.settle(Promise.all(calls));
    expect(seen.filter((at) => at < 21_000).length).toBeLessThanOrEqual(100);
    expect(clock.now()).toBeLessThan(26_000);
  });

  it("asks for the connection again after the gate: nothing but promise steps before the work", async () => {
    const { clock, run, door } = gated({ pacing: { creditsPerSecond: 1 } });
    let turn = 0;
    const ready: RunSpec["ready"] = () => {
      turn = clock.now();
      return undefined;
    };
    const work = () => expect(turn).toBe(clock.now());
    await clock.settle(Promise.all([run(work, { ready }), run(work, { ready }), run(work, { ready })]));
    expect(clock.now()).toBeGreaterThan(2_000);
    expect(door.state.inFlight).toBe(0);
  });

  it("asks the gate again when the connection was lost behind it", async () => {
    const { clock, run, seen, door } = gated({ pacing: { creditsPerSecond: 10 } });
    const isOpen = () => clock.now() < 500 || clock.now() >= 10_000;
    const ready: RunSpec["ready"] = () =>
      isOpen() ? undefined : new Promise((resolve) => clock.after(10_000 - clock.now(), resolve));
    const calls = Array.from({ length: 40 }, () => run(() => "done", { ready }));
    await clock.settle(Promise.all(calls));
    expect(seen).toHaveLength(40);
    const after = seen.filter((at) => at >= 10_000);
    expect(after.filter((at) => at < 11_000).length).toBeLessThanOrEqual(10);
    expect(door.state).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  it("does not let go all at once, when it comes back, those whom the gate let through meanwhile", async () => {
    const { clock, run, seen, door } = gated();
    const isOpen = () => clock.now() < 5_500 || clock.now() >= 15_000;
    const ready: RunSpec["ready"] = () =>
      isOpen() ? undefined : new Promise((resolve) => clock.after(15_000 - clock.now(), resolve));
    door.enter("send", 1);
    door.leave("throttled", 1);
    await clock.advance(5_000);
    expect(door.state.creditsPerSecond).toBe(8.5);
    const calls = Array.from({ length: 60 }, () => run(() => "done", { ready }));
    await clock.settle(Promise.all(calls));
    const perSecond = seen.filter((at) => at >= 15_000 && at < 16_000).length;
    // Ten seconds of slow growth, one of fast.
    expect(perSecond).toBeLessThanOrEqual(8.5 * 1.05 ** 10 * 1.3 + 3);
    expect(seen).toHaveLength(60);
    expect(door.state).toMatchObject({ waiting: 0, inFlight: 0 });
  });
});
