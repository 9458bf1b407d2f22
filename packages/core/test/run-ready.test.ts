import { expect, it } from "vitest";
import { failureOf, policy, type Attempt, type RunSpec } from "../src/index.ts";
import { failing, failure, rejection, scene } from "./scene.ts";

const never = (): Promise<never> => new Promise(() => {});

it("is asked before each attempt and may have nothing to wait for", async () => {
  const asked: number[] = [];
  const ready: RunSpec["ready"] = (scope) => void asked.push(scope.number);
  const { clock, run } = scene({ ready });
  expect(await clock.settle(run(failing(failure("Internal"))))).toBe("done");
  expect(asked).toEqual([1, 2]);
});

it("takes its time from the deadline, not from the attempt", async () => {
  const ready = () => new Promise<void>((resolve) => clock.after(30_000, resolve));
  const { clock, run, seen } = scene({ ready, policy: policy({ attemptTimeoutMs: 1_000 }) });
  const work = () => new Promise<string>((resolve) => clock.after(900, () => resolve("done")));
  expect(await clock.settle(run(work))).toBe("done");
  expect([seen, clock.now(), clock.pending]).toEqual([[30_000], 30_900, 0]);
});

it("has the last word when it rejects: no retry, whatever the error", async () => {
  const error = failure("Internal");
  const { clock, run, seen, events } = scene({ ready: () => Promise.reject(error) });
  expect(await clock.settle(rejection(run(() => "done")))).toBe(error);
  expect([seen.length, clock.pending]).toEqual([0, 0]);
  expect(failureOf(error)).toMatchObject({ reason: "permanent", outcome: "rejected", attempts: [] });
  expect(events).toMatchObject([{ type: "give-up", attempts: 0, reason: "permanent" }]);
});

it("has the last word when it throws", async () => {
  const error = failure("Internal");
  const ready = (): never => {
    throw error;
  };
  const { clock, run, seen } = scene({ ready });
  expect(await clock.settle(rejection(run(() => "done")))).toBe(error);
  expect(seen).toHaveLength(0);
});

it("counts only the attempts that began", async () => {
  const lost = failure("Detached");
  const ready: RunSpec["ready"] = (scope) => (scope.number < 3 ? undefined : Promise.reject(lost));
  const { clock, run, seen, events } = scene({ ready });
  expect(await clock.settle(rejection(run(() => Promise.reject(failure("LostAnswer")))))).toBe(lost);
  expect(seen).toHaveLength(2);
  expect(failureOf(lost)).toMatchObject({ outcome: "unknown", attempts: [{ attempt: 1 }, { attempt: 2 }] });
  expect(events.at(-1)).toMatchObject({ type: "give-up", attempts: 2 });
});

it("is told of the deadline and may answer with what it was waiting for", async () => {
  const refused = failure("Detached", "connect ECONNREFUSED");
  const ready: RunSpec["ready"] = (scope) =>
    new Promise((_, reject) => {
      scope.signal.addEventListener("abort", () => reject(refused));
    });
  const { clock, run, seen } = scene({ ready, policy: policy({ deadlineMs: 5_000 }) });
  expect(await clock.settle(rejection(run(() => "done")))).toBe(refused);
  expect([clock.now(), seen.length, clock.pending]).toEqual([5_000, 0, 0]);
  expect(failureOf(refused)).toMatchObject({ reason: "deadline", outcome: "rejected", kind: "disconnected" });
});

it("cannot keep a call beyond the deadline by not answering", async () => {
  const { clock, run, seen } = scene({ ready: never, policy: policy({ deadlineMs: 5_000 }) });
  const error = await clock.settle(rejection(run(() => "done")));
  expect(error).toMatchObject({ name: "HoldfastError", code: "deadline" });
  expect(failureOf(error)).toMatchObject({ reason: "deadline", outcome: "rejected" });
  expect([clock.now(), seen.length, clock.pending]).toEqual([5_000, 0, 0]);
});

it("does not start an attempt when it opens at the deadline", async () => {
  const ready: RunSpec["ready"] = (scope) =>
    new Promise((resolve) => {
      scope.signal.addEventListener("abort", () => resolve());
    });
  const { clock, run, seen } = scene({ ready, policy: policy({ deadlineMs: 5_000 }) });
  const error = await clock.settle(rejection(run((attempt: Attempt) => attempt.number)));
  expect(failureOf(error)).toMatchObject({ reason: "deadline", outcome: "rejected" });
  expect(seen).toHaveLength(0);
});

it("may reject long after the call was given up, without being nobody's rejection", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): unknown => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const ready = () => new Promise<void>((_, reject) => clock.after(60_000, () => reject(new Error("late"))));
  const { clock, run } = scene({ ready, policy: policy({ deadlineMs: 5_000 }) });
  await clock.settle(rejection(run(() => "done")));
  await clock.advance(120_000);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
