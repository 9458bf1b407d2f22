import { expect, it, vi } from "vitest";
import { abortErrorOf, onAbort } from "../src/abort.ts";
import { countingSignal } from "./scene.ts";

it("calls the listener once, and not after it stopped listening", () => {
  const signal = countingSignal();
  const heard = vi.fn();
  const deaf = vi.fn();
  onAbort(signal, heard);
  onAbort(signal, deaf)();
  signal.abort();
  signal.abort();
  expect(heard).toHaveBeenCalledTimes(1);
  expect(deaf).not.toHaveBeenCalled();
});

it("needs no signal", () => {
  expect(() => {
    onAbort(undefined, () => expect.unreachable())();
  }).not.toThrow();
});

it("rejects with the caller's own AbortError, itself", () => {
  const reason = Object.assign(new Error("stop"), { name: "AbortError" });
  expect(abortErrorOf(AbortSignal.abort(reason))).toBe(reason);
});

it.each(["shutdown", new Error("shutting down"), 0, null])(
  "wraps the reason %j as the cause of an AbortError",
  (reason) => {
    const error = abortErrorOf(AbortSignal.abort(reason));
    expect(error).toMatchObject({ name: "AbortError", cause: reason });
  },
);

it("makes an AbortError of a time-out's reason, because callers test for the name", async () => {
  const signal = AbortSignal.timeout(1);
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve);
  });
  expect(abortErrorOf(signal)).toMatchObject({ name: "AbortError", cause: { name: "TimeoutError" } });
});

it("has no cause when the signal has no reason, as those of older abort controllers", () => {
  const error = abortErrorOf({ aborted: true, addEventListener: () => {}, removeEventListener: () => {} });
  expect(error.name).toBe("AbortError");
  expect("cause" in error).toBe(false);
});
