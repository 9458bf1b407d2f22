import { describe, expect, it, vi } from "vitest";
import type * as Core from "../src/index.ts";
import { sharedBreaker, sharedBudget, sharedGate, systemClock } from "../src/index.ts";
import { virtualClock } from "../src/testing.ts";

/** The same package, installed a second time. */
async function secondCopy(): Promise<typeof Core> {
  vi.resetModules();
  return import("../src/index.ts");
}

const key = "service-bus:my-ns.servicebus.windows.net";

describe("the process's registries", () => {
  it("give one gate, one budget and one breaker per key", () => {
    expect(sharedGate(key)).toBe(sharedGate(key));
    expect(sharedGate(key)).not.toBe(sharedGate("service-bus:other"));
    expect(sharedBudget(key)).toBe(sharedBudget(key));
    expect(sharedBudget(key)).not.toBe(sharedBudget("service-bus:other"));
    expect(sharedBreaker(key)).toBe(sharedBreaker(key));
    expect(sharedBreaker(key)).not.toBe(sharedBreaker("service-bus:other"));
  });

  it("are shared by two copies of the package", async () => {
    const copy = await secondCopy();
    expect(copy.sharedGate).not.toBe(sharedGate);
    expect(copy.sharedGate(key)).toBe(sharedGate(key));
    expect(copy.sharedGate(key, { clock: copy.systemClock })).toBe(sharedGate(key, { clock: systemClock }));
    expect(copy.sharedBudget(key)).toBe(sharedBudget(key));
    expect(copy.sharedBreaker(key)).toBe(sharedBreaker(key));
  });

  it("let one copy's calls pace the other's", async () => {
    const copy = await secondCopy();
    const shared = "service-bus:shared";
    const ours = sharedGate(shared, { maxInFlight: 2 });
    copy.sharedGate(shared, { maxInFlight: 1 });
    const spec = {
      operation: "test.send",
      target: "orders",
      policy: copy.presets.request,
      classify: copy.faultTable("test", copy.systemFaults),
      clock: copy.systemClock,
      random: copy.systemRandom,
      gate: ours,
    };
    let finish = (_: string): void => {};
    const first = copy.run(() => new Promise<string>((resolve) => (finish = resolve)), spec);
    const wait = sharedGate(shared).enter("renewal", 1);
    expect(wait).toBeDefined();
    finish("done");
    expect(await first).toBe("done");
    await wait?.admitted;
    ours.leave("accepted", 1);
    expect(ours.state).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  it("keep each test's clock to itself", () => {
    const clock = virtualClock();
    expect(sharedGate(key, { clock })).toBe(sharedGate(key, { clock }));
    expect(sharedGate(key, { clock })).not.toBe(sharedGate(key));
    expect(sharedGate(key, { clock })).not.toBe(sharedGate(key, { clock: virtualClock() }));
  });

  it("apply the stricter limit of two who ask for the same gate", () => {
    const shared = "service-bus:strict";
    sharedGate(shared, { pacing: { creditsPerSecond: 1_000 } });
    const found = sharedGate(shared, { pacing: { creditsPerSecond: 30 } });
    expect(found.state.creditsPerSecond).toBeLessThanOrEqual(30);
    sharedGate(shared);
    expect(found.state.creditsPerSecond).toBeLessThanOrEqual(30);
  });
});
