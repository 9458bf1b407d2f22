import { describe, expect, it } from "vitest";
import fc from "fast-check";
import {
  backoff,
  failureOf,
  faultTable,
  policy,
  systemClock,
  type Attempt,
  type Classify,
  type Clock,
  type HoldfastEvent,
} from "../src/index.ts";
import { seededRandom } from "../src/testing.ts";
import { failing, failure, rejection, rows, scene } from "./scene.ts";

const never = (): Promise<never> => new Promise(() => {});
const zeroWaits = backoff.steps({ delaysMs: [0], jitterMs: 0 });

describe("attempts", () => {
  it("one when the first succeeds, without an event", async () => {
    const { clock, run, seen, events } = scene();
    expect(await clock.settle(run(() => "done"))).toBe("done");
    expect([seen.length, events.length, clock.pending]).toEqual([1, 0, 0]);
  });

  it("as many as it takes, numbered from 1", async () => {
    const { clock, run } = scene();
    const numbers: number[] = [];
    const work = failing(failure("Internal"), failure("Internal"));
    const result = run((attempt) => {
      numbers.push(attempt.number);
      return work();
    });
    expect(await clock.settle(result)).toBe("done");
    expect(numbers).toEqual([1, 2, 3]);
  });

  it.each([1, 2, 3, 7])(
    "%d at most when the policy says so; then the last error itself",
    async (attempts) => {
      const { clock, run, seen } = scene({ policy: policy({ attempts }) });
      const errors = Array.from({ length: 9 }, (_, index) => failure("Internal", `error ${index + 1}`));
      expect(await clock.settle(rejection(run(failing(...errors))))).toBe(errors[attempts - 1]);
      expect(seen).toHaveLength(attempts);
    },
  );

  it("are not used up by throttling; the deadline ends that", async () => {
    const { clock, run, seen } = scene({ policy: policy({ attempts: 2, deadlineMs: 120_000 }) });
    const busy = Array.from({ length: 6 }, () => failure("Busy", "Please wait 2 seconds and try again."));
    expect(await clock.settle(run(failing(...busy)))).toBe("done");
    expect(seen).toHaveLength(7);
    seen.slice(1).forEach((at, index) => expect(at - (seen[index] ?? 0)).toBeGreaterThanOrEqual(2_000));
  });

  it.each([
    ["a TypeError", new TypeError("x is not a function")],
    ["a p-retry style AbortError", Object.assign(new Error("stop"), { name: "AbortError" })],
    ["a frozen error", Object.freeze(failure("NotFound"))],
    ["undefined", undefined],
    ["null", null],
    ["a string", "just text"],
    ["a number", 42],
    ["a symbol", Symbol("s")],
    ["an object without a prototype", Object.freeze(Object.create(null))],
    ["an object with a message that is no text", { message: { deep: true } }],
    ["an error without a message", Object.assign(new Error("x"), { message: undefined })],
    [
      "an error whose getters throw",
      Object.defineProperties(new Error("x"), {
        message: { get: () => expect.unreachable("message") },
        code: { get: () => expect.unreachable("code") },
        cause: { get: () => expect.unreachable("cause") },
      }),
    ],
  ])("hand %s to the caller unchanged", async (_what, thrown) => {
    const { clock, run, events } = scene();
    const caught = await clock.settle(rejection(run(() => Promise.reject(thrown as Error))));
    expect(Object.is(caught, thrown)).toBe(true);
    expect(events.at(-1)?.type).toBe(_what === "a p-retry style AbortError" ? undefined : "give-up");
    const thrownAtOnce = run(() => {
      throw thrown;
    });
    expect(Object.is(await clock.settle(rejection(thrownAtOnce)), thrown)).toBe(true);
  });

  it("yield to the event loop between zero waits", async () => {
    let turns = 0;
    const ticker = setInterval(() => (turns += 1), 0);
    let seen = 0;
    const { run } = scene({ clock: systemClock, policy: policy({ attempts: 1_000, backoff: zeroWaits }) });
    const error = failure("Internal");
    await rejection(
      run(() => {
        seen += 1;
        return Promise.reject(error);
      }),
    );
    clearInterval(ticker);
    expect(seen).toBe(1_000);
    expect(turns).toBeGreaterThan(100);
  });
});

describe("the time of one attempt", () => {
  const slow = policy({ attempts: 2, attemptTimeoutMs: 1_000, backoff: zeroWaits });

  it("is bounded: the signal aborts, and the next attempt begins", async () => {
    const { clock, run, seen } = scene({ policy: slow });
    const signals: AbortSignal[] = [];
    const work = (attempt: Attempt) => {
      signals.push(attempt.signal);
      return attempt.number === 1 ? never() : "done";
    };
    expect(await clock.settle(run(work))).toBe("done");
    expect(seen).toEqual([0, 1_000]);
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
    expect(signals[0]?.reason).toMatchObject({ name: "HoldfastError", code: "attempt-timeout" });
    expect(clock.pending).toBe(0);
  });

  it("is over for good: a late result is ignored and a late rejection is nobody's", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): unknown => unhandled.push(reason);
    process.on("unhandledRejection", note);
    const { clock, run } = scene({ policy: slow });
    const work = (attempt: Attempt) =>
      new Promise<string>((resolve, reject) => {
        if (attempt.number === 1) clock.after(1_500, () => reject(new Error("late")));
        else clock.after(900, () => resolve("second"));
      });
    expect(await clock.settle(run(work))).toBe("second");
    await clock.advance(5_000);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  it("can end in the official client's own kind of error", async () => {
    const own = failure("LostAnswer");
    const { clock, run } = scene({ policy: slow, timeoutError: () => own });
    expect(await clock.settle(rejection(run(never)))).toBe(own);
  });

  it("ends early when the work says that it is lost", async () => {
    const { clock, run, seen } = scene({ policy: slow });
    const work = (attempt: Attempt) => {
      if (attempt.number > 1) return "done";
      clock.after(10, () => attempt.fail(failure("Detached")));
      return never();
    };
    expect(await clock.settle(run(work))).toBe("done");
    expect(seen).toEqual([0, 10]);
  });
});

describe("the deadline", () => {
  it("cuts an attempt that would outlive it, and says that it was the deadline", async () => {
    const { clock, run } = scene({ policy: policy({ deadlineMs: 3_000, attemptTimeoutMs: 10_000 }) });
    const error = await clock.settle(rejection(run(never)));
    expect(clock.now()).toBe(3_000);
    expect(error).toMatchObject({ name: "HoldfastError", code: "deadline" });
    expect(failureOf(error)).toMatchObject({ reason: "deadline", outcome: "unknown", elapsedMs: 3_000 });
  });

  it("fails now rather than try early when the server asks for more time than is left", async () => {
    const { clock, run, seen } = scene({ policy: policy({ deadlineMs: 10_000 }) });
    const busy = failure("Busy", "Please wait 30 seconds");
    expect(await clock.settle(rejection(run(() => Promise.reject(busy))))).toBe(busy);
    expect([clock.now(), seen.length, failureOf(busy)?.reason]).toEqual([0, 1, "deadline"]);
  });

  it("bounds the whole call, whatever fails how often", async () => {
    const one = fc.record({
      code: fc.constantFrom("Busy", "Internal", "Detached", "LostAnswer"),
      takesMs: fc.nat(15_000),
    });
    const plan = fc.array(one, { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        plan,
        fc.integer({ min: 1, max: 90_000 }),
        fc.integer(),
        async (faults, deadlineMs, seed) => {
          const bounds = policy({ deadlineMs, attempts: Infinity, attemptTimeoutMs: 10_000 });
          const { clock, run, seen } = scene({ policy: bounds, random: seededRandom(seed) });
          const work = (attempt: Attempt) => {
            const { code, takesMs } = faults[(attempt.number - 1) % faults.length]!;
            return new Promise((_, reject) => clock.after(takesMs, () => reject(failure(code))));
          };
          await clock.settle(rejection(run(work)));
          expect(Math.max(...seen)).toBeLessThan(deadlineMs);
          expect(clock.now()).toBeLessThanOrEqual(deadlineMs);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("is not overrun by an attempt when the wait before it ended late", async () => {
    const { clock, seen, run } = scene({ policy: policy({ deadlineMs: 1_000, backoff: zeroWaits }) });
    const stalled: Clock = { ...clock, after: (ms, fire) => clock.after(ms === 0 ? 5_000 : ms, fire) };
    const error = failure("Internal");
    expect(await clock.settle(rejection(run(() => Promise.reject(error), { clock: stalled })))).toBe(error);
    expect(seen).toHaveLength(1);
    expect(failureOf(error)?.reason).toBe("deadline");
  });

  it("holds when timers fire early", async () => {
    const { clock, seen, run } = scene({
      policy: policy({ deadlineMs: 100, attempts: Infinity, backoff: zeroWaits }),
    });
    const hasty: Clock = { ...clock, after: (ms, fire) => clock.after(Math.max(0.25, ms - 1.5), fire) };
    await clock.settle(rejection(run(never, { clock: hasty })));
    // And the turn that an answer which came during a standstill is given.
    expect(clock.now()).toBeLessThanOrEqual(100.25);
    expect(seen.length).toBeLessThan(10);
  });

  it("does not fire early beyond what a timer can take", async () => {
    const monthMs = 30 * 86_400_000;
    const { clock, run, seen } = scene({ policy: policy({ deadlineMs: Infinity }) });
    const busy = failure("Busy", `Please wait ${monthMs / 1_000} seconds`);
    expect(await clock.settle(run(failing(busy)))).toBe("done");
    expect(seen[1]).toBeGreaterThanOrEqual(monthMs);
  });
});

describe("what helps", () => {
  it.each([
    ["Unauthorized", "refresh"],
    ["TokensFull", "rotate"],
  ])("%s: asks for %s, then tries again without waiting", async (code, action) => {
    const asked: string[] = [];
    const { clock, run, seen } = scene({
      act: (wanted, fault) => void asked.push(`${wanted} for ${fault.id}`),
    });
    expect(await clock.settle(run(failing(failure(code))))).toBe("done");
    expect(asked).toEqual([`${action} for ${code}`]);
    expect(seen).toEqual([0, 0]);
  });

  it("is missing: the error goes to the caller", async () => {
    const { clock, run, seen } = scene();
    const error = failure("Unauthorized");
    expect(await clock.settle(rejection(run(() => Promise.reject(error))))).toBe(error);
    expect([seen.length, failureOf(error)?.reason]).toEqual([1, "permanent"]);
  });

  it.each([
    ["throws", () => expect.unreachable("no help")],
    ["rejects", () => Promise.reject(new Error("no help"))],
  ])("%s: the original error goes to the caller", async (_how, act) => {
    const { clock, run, seen } = scene({ act });
    const error = failure("TokensFull");
    expect(await clock.settle(rejection(run(() => Promise.reject(error))))).toBe(error);
    expect([seen.length, clock.pending]).toEqual([1, 0]);
  });

  it("hangs: the deadline ends it with the original error", async () => {
    const { clock, run } = scene({ act: never, policy: policy({ deadlineMs: 5_000 }) });
    const error = failure("TokensFull");
    expect(await clock.settle(rejection(run(() => Promise.reject(error))))).toBe(error);
    expect([clock.now(), clock.pending]).toEqual([5_000, 0]);
    expect(failureOf(error)).toMatchObject({ reason: "deadline", kind: "token-limit" });
  });

  it("takes long: the next attempt has only what is left of the deadline", async () => {
    const act = () => new Promise<void>((resolve) => clock.after(4_000, resolve));
    const { clock, run, seen } = scene({ act, policy: policy({ deadlineMs: 5_000 }) });
    const work = (attempt: Attempt) =>
      attempt.number === 1 ? Promise.reject(failure("TokensFull")) : never();
    expect(await clock.settle(rejection(run(work)))).toMatchObject({ code: "deadline" });
    expect([seen, clock.now()]).toEqual([[0, 4_000], 5_000]);
  });
});

describe("events", () => {
  it("tell each retry, then the recovery", async () => {
    const { clock, run, events } = scene();
    await clock.settle(run(failing(failure("Busy", "Please wait 2 seconds"), failure("Internal"))));
    expect(events).toMatchObject([
      { type: "retry", attempt: 1, hintMs: 2_000, fault: { kind: "throttled", id: "Busy", code: "Busy" } },
      { type: "retry", attempt: 2, hintMs: undefined, fault: { kind: "transient" } },
      { type: "recovered", attempts: 3, elapsedMs: clock.now() },
    ]);
    for (const event of events) expect(event).toMatchObject({ operation: "test.send", target: "orders" });
  });

  it("tell why the call was given up", async () => {
    const { clock, run, events } = scene({ policy: policy({ attempts: 2 }) });
    await clock.settle(rejection(run(failing(failure("Internal"), failure("Internal")))));
    expect(events.map(({ type }) => type)).toEqual(["retry", "give-up"]);
    expect(events[1]).toMatchObject({ attempts: 2, reason: "attempts", elapsedMs: clock.now() });
  });

  it("and failureOf() contain no secrets", async () => {
    const { clock, run, events } = scene({ policy: policy({ attempts: 2 }) });
    const error = failure(
      "Internal",
      "Endpoint=sb://x/;SharedAccessKey=c2VjcmV0; Bearer c2VjcmV0LXNlY3JldA== &sig=c2VjcmV0",
    );
    await clock.settle(rejection(run(() => Promise.reject(error))));
    expect(JSON.stringify(events)).not.toContain("c2VjcmV0");
    expect(JSON.stringify(failureOf(error))).not.toContain("c2VjcmV0");
    expect(error.message).toContain("c2VjcmV0");
  });

  it("cannot break a call", async () => {
    const onEvent = (): never => expect.unreachable("a broken observer");
    const { clock, run } = scene({ onEvent });
    expect(await clock.settle(run(failing(failure("Internal"))))).toBe("done");
    const error = failure("NotFound");
    expect(await clock.settle(rejection(run(() => Promise.reject(error))))).toBe(error);
  });
});

describe("failureOf", () => {
  it("tells what is known about the last error, and each attempt", async () => {
    const { clock, run } = scene({ policy: policy({ attempts: 2 }) });
    const error = failure("Internal", "boom. TrackingId:abc-1");
    await clock.settle(rejection(run(failing(failure("Busy"), error, error))));
    const known = failureOf(error);
    expect(known).toMatchObject({
      kind: "transient",
      service: "test",
      id: "Internal",
      code: "Internal",
      because: "the service said Internal",
      trackingId: "abc-1",
      reason: "attempts",
      outcome: "rejected",
      elapsedMs: clock.now(),
    });
    expect(known?.attempts).toMatchObject([
      { attempt: 1, atMs: 0, fault: { kind: "throttled" } },
      { attempt: 2, fault: { message: "boom. TrackingId:abc-1" } },
      { attempt: 3, atMs: clock.now(), waitMs: undefined },
    ]);
    const [first, second] = known?.attempts ?? [];
    expect((first?.atMs ?? 0) + (first?.waitMs ?? 0)).toBeCloseTo(second?.atMs ?? -1);
  });

  it.each([
    ["unknown", [failure("LostAnswer"), failure("NotFound")]],
    ["unknown", [failure("LostAnswer"), failure("LostAnswer")]],
    ["rejected", [failure("Internal"), failure("NotFound")]],
  ])("outcome %s when an earlier attempt may have been carried out, or not", async (outcome, errors) => {
    const { clock, run } = scene({ policy: policy({ attempts: 2 }) });
    const error = await clock.settle(rejection(run(failing(...errors))));
    expect(failureOf(error)?.outcome).toBe(outcome);
  });

  it("does not grow for ever: it keeps the first attempt and the latest", async () => {
    const unlimited = policy({ attempts: Infinity, deadlineMs: Infinity });
    const { clock, run } = scene({ policy: unlimited });
    const error = await clock.settle(
      rejection(run((attempt) => Promise.reject(failure(attempt.number < 500 ? "Internal" : "NotFound")))),
    );
    const attempts = failureOf(error)?.attempts.map(({ attempt }) => attempt) ?? [];
    expect(attempts.length).toBeLessThanOrEqual(100);
    expect([attempts[0], attempts.at(-1)]).toEqual([1, 500]);
  });
});

describe("a classify function that throws", () => {
  it("does not come between the caller and the error", async () => {
    const { clock, run, seen } = scene({ classify: () => expect.unreachable("a broken table") });
    const error = failure("Internal");
    expect(await clock.settle(rejection(run(() => Promise.reject(error))))).toBe(error);
    expect([seen.length, clock.pending]).toEqual([1, 0]);
  });

  it("does not lend one error the explanation of another", async () => {
    const known = failure("Internal");
    const odd = failure("Odd");
    const table = faultTable("test", rows);
    const classify: Classify = (error, now) =>
      error === odd ? expect.unreachable("a broken table") : table(error, now);
    const { clock, run, seen } = scene({ classify });
    expect(await clock.settle(rejection(run(failing(known, odd))))).toBe(odd);
    expect(seen).toHaveLength(2);
    expect(failureOf(odd)?.id).not.toBe("Internal");
  });
});

it("M-04 200 calls that fail together: no 250 ms holds more than 25 % of the first retries at base 2 s", async () => {
  const crowd = policy({ backoff: backoff.full({ baseMs: 2_000, capMs: 20_000 }) });
  const { clock, run, seen } = scene({ policy: crowd, random: seededRandom(4) });
  const work = (attempt: Attempt) => (attempt.number === 1 ? Promise.reject(failure("Internal")) : "done");
  await clock.settle(Promise.all(Array.from({ length: 200 }, () => run(work))));
  const retries = seen.slice(200);
  for (const from of retries)
    expect(retries.filter((at) => at >= from && at < from + 250).length).toBeLessThanOrEqual(50);
});

it("tells the same story for the same seed", async () => {
  const story = async (): Promise<readonly HoldfastEvent[]> => {
    const { clock, run, events } = scene({ random: seededRandom(99) });
    await clock.settle(run(failing(failure("Busy"), failure("Internal"), failure("Detached"))));
    return events;
  };
  expect(await story()).toEqual(await story());
});
