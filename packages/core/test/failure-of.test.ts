import { expect, it, vi } from "vitest";
import { failureOf, rememberFailure, type Failure } from "../src/failure-of.ts";

const failure = (attempts = 1): Failure => ({
  kind: "transient",
  service: "test",
  code: undefined,
  id: "x",
  because: "",
  remedy: "",
  see: undefined,
  missingClaim: undefined,
  trackingId: undefined,
  reason: "attempts",
  outcome: "rejected",
  attempts: [],
  elapsedMs: attempts,
});

it("knows what was remembered about an error, frozen or not", () => {
  const error = Object.freeze(new Error("x"));
  const known = failure();
  rememberFailure(error, known);
  expect(failureOf(error)).toBe(known);
});

it.each([undefined, null, "text", 5, Symbol("s"), new Error("never seen"), {}])(
  "knows nothing about %s",
  (value) => {
    expect(failureOf(value)).toBeUndefined();
  },
);

it.each([undefined, null, "text", 5])("lets %s pass by: it cannot carry anything", (value) => {
  expect(() => rememberFailure(value, failure())).not.toThrow();
});

it("keeps the last of several calls that one error rejected", () => {
  const error = new Error("shared");
  rememberFailure(error, failure(1));
  rememberFailure(error, failure(2));
  expect(failureOf(error)?.elapsedMs).toBe(2);
});

it("is shared by two installed copies of the package", async () => {
  vi.resetModules();
  const other = await import("../src/failure-of.ts");
  expect(other.failureOf).not.toBe(failureOf);
  const error = new Error("x");
  other.rememberFailure(error, failure());
  expect(failureOf(error)).toBe(other.failureOf(error));
  expect(failureOf(error)).toBeDefined();
});
