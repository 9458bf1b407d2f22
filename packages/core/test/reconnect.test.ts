import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoff } from "../src/backoff.ts";
import type { ConnectionEvent, ConnectionState } from "../src/connection-state.ts";
import { faultKinds, type Fault, type FaultKind } from "../src/fault.ts";
import { policy } from "../src/policy.ts";
import { presets } from "../src/presets.ts";
import { idle, step, type ReconnectRules, type Step } from "../src/reconnect.ts";
import { seededRandom } from "../src/testing.ts";

const fault = (kind: FaultKind, hintMs?: number): Fault => ({
  ...{ kind, service: "test", id: "x", code: undefined, sent: "maybe", because: "", remedy: "" },
  ...{ see: undefined, hintMs, missingClaim: undefined, trackingId: undefined },
});
const half = (): number => 0.5;
const rules: ReconnectRules = {
  policy: presets.reconnect,
  random: half,
  minimumConnectedMs: 10_000,
  spreadStartMs: 0,
};

/** Applies events in turn; the last step counts. */
function after(events: readonly ConnectionEvent[], given: Partial<ReconnectRules> = {}): Step {
  return events.reduce<Step>((last, event) => step(last.state, event, { ...rules, ...given }), {
    state: idle,
    effects: [],
  });
}
const started: ConnectionEvent = { type: "start", at: 0 };
const connected: readonly ConnectionEvent[] = [started, { type: "opened", at: 100, generation: 1 }];
const lost = (at: number, kind: FaultKind = "disconnected", hintMs?: number): ConnectionEvent => ({
  ...{ type: "lost", at, generation: 1, fault: fault(kind, hintMs) },
});

describe("the first connection", () => {
  it("is tried at once", () => {
    const { state, effects } = after([started]);
    expect(state).toMatchObject({ status: "connecting", generation: 1 });
    expect(effects).toEqual([{ type: "open", generation: 1, attempt: 1 }]);
  });

  it("waits at random within spreadStartMs, for fleets", () => {
    expect(after([started], { spreadStartMs: 60_000 }).state).toMatchObject({
      status: "waiting",
      until: 30_000,
    });
  });
});

describe("a lost connection", () => {
  it("waits a random part of the base before the first attempt", () => {
    expect(after([...connected, lost(20_000)]).state).toMatchObject({ status: "waiting", until: 20_500 });
  });

  it.each(["unknown", "cancelled"] as const)("comes back although the reason is %s", (kind) => {
    expect(after([...connected, lost(20_000, kind)]).state).toMatchObject({ status: "waiting" });
  });

  it("spreads also those who need a new token", () => {
    const { state } = after([...connected, lost(20_000, "auth")]);
    expect(state).toMatchObject({ status: "waiting", until: 20_500 });
  });

  it("forgets the trouble before it only when it had lasted", () => {
    const early = after([...connected, lost(5_000), { type: "due", at: 5_500, generation: 1 }]);
    expect(early.state).toMatchObject({ status: "connecting", outage: { flaps: 1, waitMs: 500 } });
    const late = after([...connected, lost(10_100)]);
    expect(late.state).toMatchObject({ status: "waiting", outage: { flaps: 0 } });
  });

  it("stays lost after a fault that the policy does not repeat", () => {
    const { state, effects } = after([...connected, lost(20_000, "not-found")]);
    expect(state).toMatchObject({ status: "failed", reason: "permanent" });
    expect(effects.map(({ type }) => type)).toEqual(["discard", "tell", "tell"]);
  });
});

describe("a failed attempt", () => {
  const failed = (kind: FaultKind): ConnectionEvent => ({
    ...{ type: "open-failed", at: 100, generation: 1, fault: fault(kind) },
  });

  it("is repeated when the official client aborted it by itself", () => {
    expect(after([started, failed("cancelled")]).state).toMatchObject({ status: "waiting" });
  });

  it("is repeated although nobody knows whether it reached the service", () => {
    const reporting = presets.reconnect.with({ onUnknown: "fail" });
    expect(after([started, failed("timeout")], { policy: reporting }).state).toMatchObject({
      status: "waiting",
    });
  });
});

describe("a hint that the network is back", () => {
  const waiting = [...connected, lost(20_000, "throttled", 3_000)];

  it("shortens the wait, never below what the server asked for", () => {
    const slow = {
      policy: presets.reconnect.with({ throttledBackoff: backoff.full({ baseMs: 20_000, capMs: 20_000 }) }),
    };
    expect(after(waiting, slow).state).toMatchObject({ until: 33_000, notBefore: 23_000 });
    const early = after([...waiting, { type: "wake", at: 20_001 }], slow);
    expect(early.state).toMatchObject({ until: 23_000, isWoken: true });
  });

  it("shortens it once", () => {
    const events: ConnectionEvent[] = [
      ...waiting,
      { type: "wake", at: 20_001 },
      { type: "wake", at: 20_002 },
    ];
    expect(after(events).effects).toEqual([]);
  });
});

describe("an attempt that needs a new token", () => {
  const refused: readonly ConnectionEvent[] = [
    started,
    { type: "open-failed", at: 100, generation: 1, fault: fault("auth") },
  ];
  const again: readonly ConnectionEvent[] = [
    ...refused,
    { type: "due", at: 100, generation: 1 },
    { type: "open-failed", at: 300, generation: 2, fault: fault("auth") },
  ];

  it("is followed at once by one that asks for it", () => {
    expect(after(refused).effects.at(-1)).toEqual({ type: "wait", generation: 1, waitMs: 0 });
    expect(after(again.slice(0, -1)).effects).toEqual([{ type: "open", generation: 2, attempt: 2 }]);
  });

  it("is not made for ever", () => {
    expect(after(again).state).toMatchObject({ status: "failed", reason: "attempts" });
  });

  it("is spread out after the first where a policy allows it for ever", () => {
    const endless = presets.reconnect.with({ on: { auth: { action: "refresh", limit: Infinity } } });
    const { state } = after(again, { policy: endless });
    expect(state).toMatchObject({ status: "waiting", until: 2_300 });
  });
});

it("replaces a sound connection at once, and only a sound one", () => {
  const { state, effects } = after([...connected, { type: "replace", at: 5_000 }]);
  expect(state).toMatchObject({ status: "connecting", generation: 2, outage: { flaps: 0 } });
  expect(effects.map(({ type }) => type)).toEqual(["discard", "tell", "open"]);
  expect(after([started, { type: "replace", at: 50 }]).effects).toEqual([]);
});

it("begins afresh when it is started again after a permanent fault", () => {
  const events: ConnectionEvent[] = [...connected, lost(20_000, "quota"), { type: "start", at: 30_000 }];
  expect(after(events).state).toMatchObject({
    status: "connecting",
    generation: 2,
    outage: { since: 30_000 },
  });
});

/** Something that may happen, whether it fits or not. `back` makes a report late by so many generations. */
type Chance =
  | { readonly type: "start" | "wake" | "replace" | "close" }
  | { readonly type: "due" | "opened"; readonly back: number }
  | { readonly type: "open-failed" | "lost"; readonly back: number; readonly fault: Fault };

const anyFault = fc
  .tuple(fc.constantFrom(...faultKinds), fc.option(fc.double({ min: -1, max: 1e9 }), { nil: undefined }))
  .map(([kind, hintMs]) => fault(kind, hintMs));
const back = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 }));
const chance: fc.Arbitrary<Chance> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom("start", "wake", "replace") }) },
  { weight: 12, arbitrary: fc.record({ type: fc.constantFrom("due", "opened"), back }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom("open-failed", "lost"),
      back,
      fault: anyFault,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "close" } as const) },
);
const story = fc.array(fc.tuple(chance, fc.double({ min: 0, max: 60_000, noNaN: true })), { maxLength: 60 });
const anyRules = fc.record({
  seed: fc.integer(),
  minimumConnectedMs: fc.constantFrom(0, 10_000),
  spreadStartMs: fc.constantFrom(0, 5_000),
  policy: fc.constantFrom(
    presets.reconnect,
    presets.none,
    presets.reconnect.with({ on: { unknown: "retry", auth: { action: "refresh", limit: Infinity } } }),
    policy({ attempts: 3, onUnknown: "fail", deadlineMs: 30_000 }),
  ),
});

interface Moment extends Step {
  readonly before: ConnectionState;
  readonly event: ConnectionEvent;
}

function tell(
  events: readonly (readonly [Chance, number])[],
  given: { seed: number } & Omit<ReconnectRules, "random">,
): Moment[] {
  const all = { ...given, random: seededRandom(given.seed) };
  const moments: Moment[] = [];
  let state = idle;
  let at = 0;
  for (const [happened, laterMs] of events) {
    at += laterMs;
    const generation = state.generation - ("back" in happened ? happened.back : 0);
    const event = { ...happened, at, generation } as ConnectionEvent;
    const next = step(state, event, all);
    moments.push({ ...next, before: state, event });
    ({ state } = next);
  }
  return moments;
}

describe("whatever happens, in whatever order", () => {
  const whatever = (check: (moments: Moment[]) => void): void => {
    fc.assert(
      fc.property(story, anyRules, (events, given) => {
        check(tell(events, given));
      }),
      { numRuns: 500 },
    );
  };

  it("there are never two connections, nor one beside an attempt", () => {
    whatever((moments) => {
      const alive = new Set<number>();
      for (const { effects } of moments) {
        for (const effect of effects) {
          if (effect.type === "discard") alive.delete(effect.generation);
          if (effect.type !== "open") continue;
          expect(alive.size).toBe(0);
          alive.add(effect.generation);
        }
      }
    });
  });

  it("only close() closes, only a fault fails, and nothing follows close()", () => {
    whatever((moments) => {
      for (const { before, state, event, effects } of moments) {
        if (state.status === "closed" && before.status !== "closed") expect(event.type).toBe("close");
        if (state.status === "failed" && before.status !== "failed") expect(event).toHaveProperty("fault");
        if (event.type === "close") expect(state.status).toBe("closed");
        if (before.status !== "closed") continue;
        expect(state).toBe(before);
        expect(effects.filter(({ type }) => type !== "discard")).toEqual([]);
      }
    });
  });

  it("every wait is a number, not negative, and no attempt comes before it is over or before the server allows", () => {
    whatever((moments) => {
      for (const { before, event, effects } of moments) {
        for (const effect of effects) {
          if (effect.type === "wait") expect(effect.waitMs).toBeGreaterThanOrEqual(0);
          if (effect.type !== "open" || before.status !== "waiting" || event.type !== "due") continue;
          expect(event.at).toBeGreaterThanOrEqual(before.until);
          expect(event.at).toBeGreaterThanOrEqual(before.notBefore);
        }
      }
    });
  });

  it("a report about what was given up changes nothing, and a late connection is disposed of", () => {
    whatever((moments) => {
      for (const { before, event, state, effects } of moments) {
        if (!("generation" in event) || event.generation === before.generation) continue;
        if (!["due", "opened", "open-failed", "lost"].includes(event.type)) continue;
        expect(state).toBe(before);
        expect(effects).toEqual(
          event.type === "opened" ? [{ type: "discard", generation: event.generation }] : [],
        );
      }
    });
  });

  it("generations never go back, and every state that waits for something has asked for it", () => {
    whatever((moments) => {
      for (const { before, state, effects } of moments) {
        expect(state.generation).toBeGreaterThanOrEqual(before.generation);
        const types = effects.map(({ type }) => type);
        if (state.status === "connecting" && before.status !== "connecting") expect(types).toContain("open");
        if (state.status === "waiting" && before.status !== "waiting") expect(types).toContain("wait");
      }
    });
  });

  it("an endless policy gives up on nothing that passes", () => {
    const passing = fc.constantFrom<FaultKind>("transient", "timeout", "throttled", "disconnected");
    const events = fc.array(
      fc.tuple(
        fc.record({
          type: fc.constantFrom("open-failed", "lost"),
          back: fc.constant(0),
          fault: passing.map((kind) => fault(kind)),
        }),
        fc.double({ min: 0, max: 60_000, noNaN: true }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(events, fc.integer(), (failures, seed) => {
        const due = failures.flatMap(
          ([failed, ms]) =>
            [
              [failed, ms],
              [{ type: "due", back: 0 }, 30_000],
            ] as const,
        );
        const moments = tell([[{ type: "start" }, 0], ...due] as [Chance, number][], { ...rules, seed });
        for (const { state } of moments) expect(state.status).not.toBe("failed");
      }),
    );
  });
});
