import { describe, expect, it } from "vitest";
import { failureOf, faultTable, gate, policy, runOn, type RunSpec } from "../src/index.ts";
import { failing, failure, rejection, rows, scene } from "./scene.ts";

/** A call whose first attempt was made elsewhere, and failed. */
function after(error: unknown, startedAt: number, spec: Partial<RunSpec> = {}) {
  const base = scene();
  const complete: RunSpec = {
    operation: "test.call",
    target: "nothing",
    policy: policy(),
    classify: faultTable("test", rows),
    clock: base.clock,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
    ...spec,
  };
  const events: unknown[] = [];
  return {
    ...base,
    events,
    on: <T>(work: () => Promise<T> | T) => runOn({ error, startedAt }, work, complete),
  };
}

describe("a call that goes on from a first attempt made elsewhere", () => {
  it("decides about that attempt as about its own: it waits, tells of it, and tries the second time", async () => {
    const call = after(failure("Busy", "Please wait 2 seconds"), 0);
    const tries: number[] = [];
    const done = call.on(() => tries.push(call.clock.now()));
    await call.clock.settle(done);
    expect(tries).toHaveLength(1);
    expect(tries[0]).toBeGreaterThanOrEqual(2_000);
    expect(call.events).toMatchObject([
      { type: "retry", attempt: 1, hintMs: 2_000 },
      { type: "recovered", attempts: 2 },
    ]);
  });

  it("gives the caller that attempt's own error when it is final, without another", async () => {
    const error = failure("NotFound");
    const call = after(error, 0);
    const work = failing(failure("Internal"));
    expect(await call.clock.settle(rejection(call.on(work)))).toBe(error);
    expect(failureOf(error)).toMatchObject({ kind: "not-found", reason: "permanent", outcome: "rejected" });
    expect(failureOf(error)?.attempts).toHaveLength(1);
  });

  it("counts the deadline from that attempt's beginning", async () => {
    const call = after(failure("Busy", "Please wait 2 seconds"), -9_000, {
      policy: policy({ deadlineMs: 10_000 }),
    });
    const error = await call.clock.settle(rejection(call.on(() => "late")));
    expect(failureOf(error)).toMatchObject({ reason: "deadline" });
    expect(call.clock.now()).toBe(0);
  });

  it("gives back that attempt's place at the gate, with what the service said", async () => {
    const base = scene();
    const door = gate({ clock: base.clock });
    const call = after(failure("Busy", "Please wait 2 seconds"), 0, { gate: door });
    door.enter("send", 1);
    await call.clock.settle(call.on(() => "done"));
    expect(door.state.inFlight).toBe(0);
    expect(door.isSilent).toBe(false);
  });
});
