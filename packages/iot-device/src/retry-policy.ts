import type { PolicyOptions } from "@holdfast/core";
import { backoff } from "@holdfast/core";
import type { Client } from "azure-iot-device";

/** What the official `setRetryPolicy` takes. */
export type RetryPolicy = Parameters<Client["setRetryPolicy"]>[0];

/** Inside the official client nothing is repeated: there is one loop, and it is ours. */
export const noRetry: RetryPolicy = {
  nextRetryTimeout: () => -1,
  shouldRetry: () => false,
};

// The official ExponentialBackOffWithJitter's own parameters, in milliseconds.
interface Parameters_ {
  readonly c?: unknown;
  readonly cMin?: unknown;
  readonly cMax?: unknown;
}

const probe = Object.assign(new Error("A connection was lost."), { name: "NotConnectedError" });

/**
 * The official `setRetryPolicy(policy)` as policy:
 *
 * | official | here |
 * |---|---|
 * | `NoRetry`, or any that does not repeat a lost connection | one attempt for each operation; the connection still comes back |
 * | `ExponentialBackOffWithJitter` with `normalParameters`, `throttledParameters` | full jitter with their `cMin` (1 ms at least) and `cMax`, for ever within the deadline |
 * | any other | a list of steps: its own `nextRetryTimeout(n, false)` for n = 1 … 12, plus up to a tenth at random |
 *
 * Which errors are repeated stays the fault table's decision: the official filter calls a lost connection fatal
 * (`ECONNRESET` is not in its list). It applies to everything but `iot.connect` and `iot.subscribe`.
 */
export function optionsFrom(policy: RetryPolicy): PolicyOptions {
  if (!policy.shouldRetry(probe)) return { attempts: 1 };
  const { normalParameters, throttledParameters } = policy as {
    normalParameters?: Parameters_;
    throttledParameters?: Parameters_;
  };
  const normal = rangeOf(normalParameters);
  if (normal !== undefined) {
    const throttled = rangeOf(throttledParameters);
    return {
      attempts: Infinity,
      backoff: backoff.full(normal),
      ...(throttled === undefined ? {} : { throttledBackoff: backoff.equal(throttled) }),
    };
  }
  const steps = Array.from({ length: 12 }, (_, index) => policy.nextRetryTimeout(index + 1, false));
  const delaysMs = steps.filter((ms) => Number.isFinite(ms) && ms >= 0);
  if (delaysMs.length === 0) return { attempts: 1 };
  return {
    attempts: Infinity,
    backoff: backoff.steps({ delaysMs, jitterMs: Math.max(1, Math.max(...delaysMs) / 10) }),
  };
}

function rangeOf(parameters: Parameters_ | undefined): { baseMs: number; capMs: number } | undefined {
  const { cMin, cMax } = parameters ?? {};
  if (typeof cMin !== "number" || typeof cMax !== "number" || !(cMax > 0)) return undefined;
  const baseMs = Math.max(1, cMin);
  return { baseMs, capMs: Math.max(baseMs, cMax) };
}
