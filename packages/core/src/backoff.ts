import { badOption, isObject } from "./holdfast-error.ts";
import type { Random } from "./random.ts";

/**
 * How long to wait before the next attempt, as plain data. In every shape the jitter is applied after the cap, so
 * clients that have all reached the cap still do not return together.
 *
 * - `full`: uniform in [0, min(cap, base·2ⁿ)], n counting retries from 0. The default; AWS "full jitter".
 * - `equal`: half of that fixed, half random; keeps a floor.
 * - `decorrelated`: uniform in [base, min(cap, 3·previous)], the first in [0, base]; the flattest peak when a crowd
 *   returns. A cap below 3·base lowers the floor to cap/3, or there would be little left to spread over.
 * - `steps`: a fixed list (the last one repeats), each plus uniform [0, jitter).
 */
export type Backoff =
  | { readonly shape: "full" | "equal" | "decorrelated"; readonly baseMs: number; readonly capMs: number }
  | { readonly shape: "steps"; readonly delaysMs: readonly number[]; readonly jitterMs: number };

interface Range {
  /** First step, in milliseconds. */
  readonly baseMs: number;
  /** No wait is longer than this, in milliseconds (a server's hint excluded). */
  readonly capMs: number;
}

const ranged =
  (shape: "full" | "equal" | "decorrelated") =>
  (range: Range): Backoff =>
    checkBackoff(`backoff.${shape}`, { ...range, shape });

// Pure, so that a page that only waits does not load the checks.
/** Makes {@link Backoff} data. Each throws a `misconfigured` {@link HoldfastError} for values out of range. */
export const backoff = /* @__PURE__ */ Object.freeze({
  full: /* @__PURE__ */ ranged("full"),
  equal: /* @__PURE__ */ ranged("equal"),
  decorrelated: /* @__PURE__ */ ranged("decorrelated"),
  steps: (options: { readonly delaysMs: readonly number[]; readonly jitterMs: number }): Backoff =>
    checkBackoff("backoff.steps", { ...options, shape: "steps" }),
});

/** Validates and freezes; `name` is how the caller knows the option. */
export function checkBackoff(name: string, value: Backoff): Backoff {
  const positive = (option: string, ms: unknown, least: number): void => {
    if (typeof ms !== "number" || !Number.isFinite(ms) || ms < least) {
      throw badOption(`${name}.${option}`, ms, `a finite number of milliseconds, ${String(least)} or more`);
    }
  };
  if (!isObject(value)) throw badOption(name, value, "made by backoff.full, .equal, .decorrelated or .steps");
  switch (value.shape) {
    case "full":
    case "equal":
    case "decorrelated":
      positive("baseMs", value.baseMs, 1);
      positive("capMs", value.capMs, value.baseMs);
      return Object.freeze({ ...value });
    case "steps":
      positive("jitterMs", value.jitterMs, 0);
      if (!isObject(value.delaysMs) || !(value.delaysMs.length > 0)) {
        throw badOption(`${name}.delaysMs`, value.delaysMs, "a list with at least one delay");
      }
      value.delaysMs.forEach((ms, index) => {
        positive(`delaysMs[${String(index)}]`, ms, 0);
      });
      return Object.freeze({ ...value, delaysMs: Object.freeze([...value.delaysMs]) });
    default:
      throw badOption(
        `${name}.shape`,
        (value as { shape: unknown }).shape,
        '"full", "equal", "decorrelated" or "steps"',
      );
  }
}

/**
 * The next wait in milliseconds.
 *
 * @param retry - how many retries have gone before, from 0.
 * @param previousMs - the wait before this one; only `decorrelated` uses it.
 */
export function nextWait(
  shape: Backoff,
  retry: number,
  random: Random,
  previousMs: number | undefined,
): number {
  switch (shape.shape) {
    case "full":
      return random() * ceiling(shape, retry);
    case "equal": {
      const half = ceiling(shape, retry) / 2;
      return half + random() * half;
    }
    case "decorrelated": {
      if (previousMs === undefined) return random() * shape.baseMs;
      const floor = Math.min(shape.baseMs, shape.capMs / 3);
      const top = Math.min(shape.capMs, 3 * Math.max(previousMs, shape.baseMs));
      return floor + random() * (top - floor);
    }
    case "steps": {
      const step = shape.delaysMs[Math.min(retry, shape.delaysMs.length - 1)] ?? 0;
      return step + random() * shape.jitterMs;
    }
  }
}

/** 2ⁿ overflows to Infinity beyond n = 1023; the cap absorbs it. */
function ceiling(range: Range, retry: number): number {
  return Math.min(range.capMs, range.baseMs * 2 ** retry);
}
