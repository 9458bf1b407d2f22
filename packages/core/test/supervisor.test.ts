import { describe, expect, it } from "vitest";
import {
  HoldfastError,
  failureOf,
  faultTable,
  policy,
  presets,
  run,
  Supervisor,
  type ConnectionAttempt,
  type HoldfastEvent,
  type SupervisorOptions,
} from "../src/index.ts";
import { seededRandom, virtualClock, type VirtualClock } from "../src/testing.ts";
import { failure, rejection, rows } from "./scene.ts";

/** What one attempt does: connects, fails, or never answers. */
type Turn = "connects" | "hangs" | Error;

interface Line {
  readonly clock: VirtualClock;
  readonly events: HoldfastEvent[];
  readonly attempts: (ConnectionAttempt & { readonly at: number; readonly connect: () => void })[];
  readonly discarded: number[];
  readonly supervisor: Supervisor<number>;
}

/** A supervised connection whose attempts go as told; the last turn repeats. Connections are numbered from 1. */
function line(turns: readonly Turn[], more: Partial<SupervisorOptions<number>> = {}): Line {
  const clock = virtualClock();
  const events: HoldfastEvent[] = [];
  const attempts: Line["attempts"] = [];
  const discarded: number[] = [];
  const supervisor = new Supervisor<number>({
    operation: "test.connect",
    target: "hub",
    policy: () => presets.reconnect,
    classify: faultTable("test", rows),
    clock,
    random: seededRandom(1),
    onEvent: (event) => events.push(event),
    open: (attempt) => {
      const turn = turns[Math.min(attempts.length, turns.length - 1)]!;
      const id = attempts.length + 1;
      return new Promise((resolve, reject) => {
        attempts.push({ ...attempt, at: clock.now(), connect: () => resolve(id) });
        if (turn === "connects") resolve(id);
        else if (turn !== "hangs") reject(turn);
      });
    },
    discard: (connection) => void discarded.push(connection),
    closedError: () => new HoldfastError("closed", "It was closed."),
    ...more,
  });
  return { clock, events, attempts, discarded, supervisor };
}

const detached = failure("Detached");
const types = (events: readonly HoldfastEvent[]): string[] => events.map(({ type }) => type);

describe("connecting", () => {
  it("is one attempt for everybody who asks", async () => {
    const { supervisor, attempts, clock } = line(["connects"]);
    await clock.settle(Promise.all([supervisor.start(), supervisor.start(), supervisor.start()]));
    expect([attempts.length, supervisor.connection, clock.pending]).toEqual([1, 1, 0]);
  });

  it("is repeated until it succeeds, with waits that differ", async () => {
    const { supervisor, attempts, clock, events } = line([detached, detached, detached, "connects"]);
    await clock.settle(supervisor.start());
    const waits = attempts.slice(1).map(({ at }, index) => at - attempts[index]!.at);
    expect(new Set(waits).size).toBe(3);
    expect(types(events)).toEqual(["retry", "retry", "retry", "recovered"]);
    expect(events.at(-1)).toMatchObject({ operation: "test.connect", target: "hub", attempts: 4 });
  });

  it("gives up an attempt that never answers, tells it so, and goes on", async () => {
    const { supervisor, attempts, clock } = line(["hangs", "connects"]);
    await clock.settle(supervisor.start());
    expect(attempts[0]!.signal.reason).toMatchObject({ name: "HoldfastError", code: "attempt-timeout" });
    expect(attempts[1]!.at).toBeGreaterThanOrEqual(10_000);
    expect([supervisor.connection, attempts[1]!.signal.aborted]).toEqual([2, false]);
  });

  it("disposes of a connection that comes too late, once", async () => {
    const { supervisor, attempts, clock, discarded } = line(["hangs", "connects"]);
    await clock.settle(supervisor.start());
    attempts[0]!.connect();
    await clock.advance(0);
    expect([discarded, supervisor.connection]).toEqual([[1], 2]);
  });

  it("survives an open() that throws at once", async () => {
    let calls = 0;
    const { supervisor, clock } = line([], {
      open: () => {
        calls += 1;
        if (calls === 1) throw detached;
        return Promise.resolve(7);
      },
    });
    await clock.settle(supervisor.start());
    expect(supervisor.connection).toBe(7);
  });

  it("stops at a permanent fault with the official error, and begins afresh when asked again", async () => {
    const missing = failure("NotFound");
    const { supervisor, attempts, clock, events } = line([missing, "connects"]);
    expect(await clock.settle(rejection(supervisor.start()))).toBe(missing);
    expect(failureOf(missing)).toMatchObject({
      kind: "not-found",
      reason: "permanent",
      attempts: [{ attempt: 1 }],
    });
    expect([supervisor.state.status, types(events), clock.pending]).toEqual(["failed", ["give-up"], 0]);
    await clock.settle(supervisor.start());
    expect([supervisor.connection, attempts.length]).toEqual([2, 2]);
  });

  it("takes the next attempt for the refresh, and makes it at once", async () => {
    const { supervisor, attempts, clock } = line([failure("Unauthorized"), "connects"]);
    await clock.settle(supervisor.start());
    expect(attempts.map(({ at }) => at)).toEqual([0, 0]);
  });
});

describe("a lost connection", () => {
  it("is disposed of and made again, and everybody hears why", async () => {
    const { supervisor, attempts, clock, discarded, events } = line(["connects"], { inFlight: () => 3 });
    await clock.settle(supervisor.start());
    await clock.advance(60_000);
    attempts[0]!.lost(detached);
    expect(supervisor.connection).toBeUndefined();
    await clock.settle(supervisor.start());
    expect([supervisor.connection, discarded]).toEqual([2, [1]]);
    expect(events).toMatchObject([
      { type: "disconnected", inFlight: 3, connectedMs: 60_000, flaps: 0, fault: { id: "Detached" } },
      { type: "reconnected", attempts: 1 },
    ]);
    expect(attempts[1]!.at).toBeGreaterThan(60_000);
    expect(attempts[1]!.at).toBeLessThanOrEqual(61_000);
  });

  it("comes back when nobody says why it went", async () => {
    const { supervisor, attempts, clock, events } = line(["connects"]);
    await clock.settle(supervisor.start());
    attempts[0]!.lost();
    await clock.settle(supervisor.start());
    expect(events[0]).toMatchObject({ type: "disconnected", fault: { id: "connection-lost" } });
  });

  it("is lost once, however often it is reported, and late reports about it are nobody's", async () => {
    const { supervisor, attempts, clock, events } = line(["connects"]);
    await clock.settle(supervisor.start());
    attempts[0]!.lost(detached);
    attempts[0]!.lost(failure("NotFound"));
    await clock.settle(supervisor.start());
    attempts[0]!.lost(failure("NotFound"));
    expect([supervisor.connection, attempts.length, types(events)]).toEqual([
      2,
      2,
      ["disconnected", "reconnected"],
    ]);
  });

  it("counts as a failed attempt when it was not open yet", async () => {
    const { supervisor, attempts, clock, discarded, events } = line(["hangs", "connects"]);
    const connected = supervisor.start();
    attempts[0]!.lost(detached);
    attempts[0]!.connect();
    await clock.settle(connected);
    expect([supervisor.connection, discarded, types(events)]).toEqual([2, [1], ["retry", "recovered"]]);
  });

  it("shows how often it did not last, and waits longer for it", async () => {
    const { supervisor, attempts, clock, events } = line(["connects"]);
    await clock.settle(supervisor.start());
    for (let flap = 0; flap < 6; flap += 1) {
      await clock.advance(50);
      attempts.at(-1)!.lost(detached);
      await clock.settle(supervisor.start());
    }
    const lost = events.filter((event) => event.type === "disconnected");
    expect(lost.map(({ flaps }) => flaps)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(lost[0]!.waitMs).toBeLessThanOrEqual(1_000);
    for (const { waitMs } of lost.slice(1)) expect(waitMs).toBeGreaterThanOrEqual(1_000);
  });

  it("is seen to its end before the next is made, but not for longer than discardTimeoutMs", async () => {
    const { supervisor, attempts, clock } = line(["connects"], { discard: () => new Promise(() => {}) });
    await clock.settle(supervisor.start());
    attempts[0]!.lost(detached);
    await clock.settle(supervisor.start());
    expect(attempts[1]!.at).toBe(2_000);
  });

  it("may be declared lost by whoever finds it deaf, or replaced as planned", async () => {
    const { supervisor, attempts, clock, discarded, events } = line(["connects"]);
    await clock.settle(supervisor.start());
    supervisor.lose(failure("LostAnswer"));
    await clock.settle(supervisor.start());
    supervisor.replace();
    await clock.settle(supervisor.start());
    expect([discarded, supervisor.connection, attempts.length]).toEqual([[1, 2], 3, 3]);
    expect(events.slice(2)).toMatchObject([
      { type: "disconnected", waitMs: 0 },
      { type: "reconnected", downMs: 0 },
    ]);
    expect(events[2]).not.toHaveProperty("fault");
  });

  it("tries earlier when the network is back, but not against the server's wish", async () => {
    const busy = failure("Busy", "Please wait 30 seconds and try again.");
    const { supervisor, attempts, clock } = line([busy, busy, "connects"]);
    const connected = supervisor.start();
    await clock.advance(1_000);
    supervisor.wake();
    await clock.advance(28_900);
    expect(attempts).toHaveLength(1);
    await clock.settle(connected);
    expect(attempts[1]!.at).toBeGreaterThanOrEqual(30_000);
    expect(attempts[2]!.at - attempts[1]!.at).toBeGreaterThanOrEqual(30_000);
  });
});

describe("close()", () => {
  const closedIn = async (turns: readonly Turn[], until: (scene: Line) => Promise<void>): Promise<Line> => {
    const scene = line(turns);
    const waiting = supervisorStart(scene);
    await until(scene);
    await scene.clock.settle(scene.supervisor.close());
    expect(await waiting).toMatchObject({ code: "closed" });
    return scene;
  };
  const supervisorStart = ({ supervisor }: Line): Promise<unknown> =>
    supervisor.start().then(
      () => ({ code: "closed" }),
      (error: unknown) => error,
    );

  it.each<[string, readonly Turn[], number]>([
    ["during an attempt", ["hangs"], 5_000],
    ["during a wait", [detached], 5],
    ["when connected", ["connects"], 5],
  ])("ends at once %s, and nothing reopens after it", async (_, turns, ms) => {
    const scene = await closedIn(turns, ({ clock }) => clock.advance(ms));
    const { supervisor, clock, attempts } = scene;
    expect([clock.now(), clock.pending, supervisor.state.status]).toEqual([ms, 0, "closed"]);
    const made = attempts.length;
    attempts[0]!.lost(detached);
    supervisor.wake();
    supervisor.replace();
    expect(await rejection(supervisor.start())).toMatchObject({ code: "closed" });
    expect(await rejection(supervisor.ready({ signal: new AbortController().signal })!)).toMatchObject({
      code: "closed",
    });
    await clock.advance(600_000);
    expect([attempts.length, supervisor.connection]).toEqual([made, undefined]);
  });

  it("aborts the attempt under way and disposes of what it brings", async () => {
    const { attempts, clock, discarded } = await closedIn(["hangs"], ({ clock: time }) => time.advance(1));
    expect(attempts[0]!.signal.reason).toMatchObject({ code: "closed" });
    attempts[0]!.connect();
    await clock.advance(0);
    expect(discarded).toEqual([1]);
  });

  it("ends a supervisor that never began", async () => {
    const { supervisor, attempts } = line(["connects"]);
    await supervisor.close();
    await supervisor.close();
    expect([supervisor.state.status, attempts.length]).toEqual(["closed", 0]);
  });

  it("may be called by whoever hears of a change", async () => {
    const scene: Line = line([detached], {
      onState: (state) => void (state.status === "waiting" && scene.supervisor.close()),
    });
    expect(await scene.clock.settle(rejection(scene.supervisor.start()))).toMatchObject({ code: "closed" });
    expect([scene.clock.pending, scene.attempts.length]).toEqual([0, 1]);
  });
});

describe("ready()", () => {
  it("has nothing to wait for when there is a connection, and begins one when nobody has", async () => {
    const { supervisor, clock } = line(["connects"]);
    const { signal } = new AbortController();
    await clock.settle(supervisor.ready({ signal })!);
    expect(supervisor.ready({ signal })).toBeUndefined();
  });

  it("holds a call until the connection is back, and its deadline ends with the trouble itself", async () => {
    const { supervisor, clock } = line([detached]);
    const spec = {
      operation: "test.send",
      target: "hub",
      policy: policy({ deadlineMs: 5_000 }),
      classify: faultTable("test", rows),
      clock,
      random: seededRandom(1),
      ready: (scope: { signal: AbortSignal }) => supervisor.ready(scope),
    };
    expect(await clock.settle(rejection(run(() => "sent", spec)))).toBe(detached);
    expect(failureOf(detached)).toMatchObject({ reason: "deadline", kind: "disconnected" });
    expect(failureOf(detached)!.attempts.length).toBeGreaterThan(1);
    expect(clock.now()).toBe(5_000);
    expect(supervisor.state.status).not.toBe("closed");
    await supervisor.close();
    expect(clock.pending).toBe(0);
  });

  it("ends with an AbortError when the caller changes its mind", async () => {
    const { supervisor, clock } = line(["hangs"]);
    const abort = new AbortController();
    const waiting = rejection(supervisor.ready({ signal: abort.signal })!);
    abort.abort();
    expect(await clock.settle(waiting)).toMatchObject({ name: "AbortError" });
    await supervisor.close();
  });

  it("does not try again what failed for good", async () => {
    const missing = failure("NotFound");
    const { supervisor, clock, attempts } = line([missing]);
    await clock.settle(rejection(supervisor.start()));
    expect(await rejection(supervisor.ready({ signal: new AbortController().signal })!)).toBe(missing);
    expect(attempts).toHaveLength(1);
  });
});

it("brings back a crowd that was dropped together over a whole base, and none is left behind", async () => {
  const clock = virtualClock();
  const random = seededRandom(7);
  const attempts: number[] = [];
  let isDown = false;
  const lost: ((reason: unknown) => void)[] = [];
  const crowd = Array.from({ length: 500 }, () => {
    const { supervisor } = line([], {
      clock,
      random,
      open: (attempt) => {
        if (isDown) {
          attempts.push(clock.now());
          return Promise.reject(detached);
        }
        attempts.push(clock.now());
        lost.push(attempt.lost);
        return Promise.resolve(1);
      },
    });
    return supervisor;
  });
  await clock.settle(Promise.all(crowd.map((one) => one.start())));
  await clock.advance(30_000);
  attempts.length = 0;
  isDown = true;
  for (const drop of lost.splice(0)) drop(detached);
  await clock.advance(10_000);
  isDown = false;
  const until = clock.now();
  await clock.settle(Promise.all(crowd.map((one) => one.start())));
  const returned = attempts.filter((at) => at >= until);
  const busiest = Math.max(
    ...returned.map((from) => returned.filter((at) => at >= from && at < from + 100).length),
  );
  expect(busiest).toBeLessThanOrEqual(30);
  expect(clock.now() - until).toBeLessThanOrEqual(10_000);
  await Promise.all(crowd.map((one) => one.close()));
});
