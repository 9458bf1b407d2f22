import { expect, it } from "vitest";
import { failureOf, type RunSpec } from "../src/index.ts";
import { countingSignal, failing, failure, rejection, scene } from "./scene.ts";

const never = (): Promise<never> => new Promise(() => {});
const aborted = { name: "AbortError", cause: "shutdown" };

/** Every case ends with the AbortError at once, no further attempt, no timer, no listener. */
async function abortsIn(
  spec: Partial<RunSpec>,
  work: () => Promise<unknown>,
  abortAtMs: number,
  attempts: number,
): Promise<void> {
  const signal = countingSignal();
  const { clock, run, seen, events } = scene({ ...spec, signal });
  let ended: number | undefined;
  const result = rejection(run(work)).finally(() => (ended = clock.now()));
  clock.after(abortAtMs, () => signal.abort("shutdown"));
  await clock.advance(abortAtMs);
  expect(ended, "rejects at once").toBe(abortAtMs);
  expect(await result).toMatchObject(aborted);
  expect(clock.pending, "no timer left").toBe(0);
  await clock.advance(120_000);
  expect(seen).toHaveLength(attempts);
  expect([clock.pending, signal.listeners]).toEqual([0, 0]);
  expect(events.some(({ type }) => type === "give-up")).toBe(false);
}

it("during an attempt", () => abortsIn({}, never, 50, 1));

it("during a wait", () =>
  abortsIn({}, () => Promise.reject(failure("Busy", "Please wait 20 seconds")), 50, 1));

it("while a connection is refreshed or rotated", () =>
  abortsIn({ act: never }, () => Promise.reject(failure("TokensFull")), 50, 1));

it("while a gate is closed, even one that does not listen", () => abortsIn({ ready: never }, never, 50, 0));

it("while a gate is closed, that answers with what it was waiting for", () => {
  const ready: RunSpec["ready"] = (scope) =>
    new Promise((_, reject) => {
      scope.signal.addEventListener("abort", () => reject(failure("Detached")));
    });
  return abortsIn({ ready }, never, 50, 0);
});

it("while a gate is closed, that opens all the same", () => {
  const ready: RunSpec["ready"] = (scope) =>
    new Promise((resolve) => {
      scope.signal.addEventListener("abort", () => resolve());
    });
  return abortsIn({ ready }, never, 50, 0);
});

it("by the gate itself, while it closes", async () => {
  const signal = countingSignal();
  const ready = () => {
    signal.abort("shutdown");
    return never();
  };
  const { clock, run, seen } = scene({ signal, ready });
  expect(await rejection(run(() => "done"))).toMatchObject(aborted);
  expect([seen.length, clock.pending, signal.listeners]).toEqual([0, 0, 0]);
});

it("before the call: no attempt, no gate", async () => {
  const signal = countingSignal();
  signal.abort("shutdown");
  const ready = () => expect.unreachable("the gate");
  const { clock, run, seen } = scene({ signal, ready });
  const error = await rejection(run(() => "done"));
  expect(error).toMatchObject(aborted);
  expect([seen.length, clock.pending, signal.listeners]).toEqual([0, 0, 0]);
  expect(failureOf(error)).toMatchObject({
    kind: "cancelled",
    reason: "cancelled",
    outcome: "rejected",
    attempts: [],
  });
});

it("in the tick of the call: the attempt that had begun is told, no other begins", async () => {
  const signal = countingSignal();
  const { clock, run, seen } = scene({ signal });
  const signals: AbortSignal[] = [];
  const result = rejection(
    run((attempt) => {
      signals.push(attempt.signal);
      return never();
    }),
  );
  signal.abort("shutdown");
  expect(await result).toMatchObject(aborted);
  expect(signals.map((one) => one.aborted)).toEqual([true]);
  expect([seen.length, clock.pending, signal.listeners]).toEqual([1, 0, 0]);
});

it("by the listener that is told of the retry: no wait", async () => {
  const signal = countingSignal();
  const { clock, run, seen } = scene({ signal, onEvent: () => signal.abort("shutdown") });
  expect(await rejection(run(failing(failure("Busy", "Please wait 20 seconds"))))).toMatchObject(aborted);
  expect([seen.length, clock.now(), clock.pending, signal.listeners]).toEqual([1, 0, 0, 0]);
});

it("after success changes nothing", async () => {
  const signal = countingSignal();
  const { clock, run } = scene({ signal });
  const signals: AbortSignal[] = [];
  const result = run((attempt) => {
    signals.push(attempt.signal);
    return "done";
  });
  expect(await clock.settle(result)).toBe("done");
  signal.abort("shutdown");
  expect(signals[0]?.aborted).toBe(false);
  expect([clock.pending, signal.listeners]).toEqual([0, 0]);
});

it("in the turn after success does not discard the result", async () => {
  const signal = countingSignal();
  const { run } = scene({ signal });
  const result = run(() => {
    const sent = Promise.resolve("done");
    void sent.then(() => {
      queueMicrotask(() => signal.abort("shutdown"));
    });
    return sent;
  });
  expect(await result).toBe("done");
  expect(signal.aborted).toBe(true);
});

it("leaves the outcome of a running attempt open, and not that of a wait", async () => {
  const during = async (work: () => Promise<unknown>) => {
    const signal = countingSignal();
    const { clock, run } = scene({ signal });
    clock.after(50, () => signal.abort());
    return failureOf(await clock.settle(rejection(run(work))));
  };
  expect(await during(never)).toMatchObject({ reason: "cancelled", outcome: "unknown" });
  expect(await during(() => Promise.reject(failure("Busy", "Please wait 9 seconds")))).toMatchObject({
    reason: "cancelled",
    outcome: "rejected",
    attempts: [{ attempt: 1 }],
  });
});

it("keeps no listener after a thousand attempts, nor a timer", async () => {
  const signal = countingSignal();
  const { clock, run } = scene({ signal });
  const most: number[] = [];
  for (let call = 0; call < 200; call += 1) {
    await clock.settle(
      run(() => {
        most.push(signal.listeners);
        return most.length % 5 === 0 ? Promise.resolve() : Promise.reject(failure("Internal"));
      }),
    );
  }
  expect(most).toHaveLength(1_000);
  expect(Math.max(...most)).toBe(1);
  expect([signal.listeners, clock.pending]).toEqual([0, 0]);
});
