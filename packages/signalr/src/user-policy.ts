import { badOption, type Backoff, type Fault } from "@holdfast/core";
import type { IRetryPolicy } from "@microsoft/signalr";
import { allowed } from "#platform";
import type { PolicyData } from "./operations.ts";

/**
 * What the user gave to `withAutomaticReconnect()`, as policy:
 *
 * | official | here |
 * |---|---|
 * | not called, or called without arguments | `signalr.reconnect` as it is: for ever, decorrelated jitter 1 … 10 s |
 * | `[d1, d2, …]` | these delays, each plus up to a second at random; the last one repeats for ever |
 * | an `IRetryPolicy` | its delay as it is (the server's Retry-After if that is longer); `null`, or an error, ends it |
 *
 * All of them also hold for what the official client does not retry: a server's close, and faults of the negotiation.
 */
export type UserPolicy = readonly number[] | IRetryPolicy | undefined;

/** Asked for each fault of a reconnection. */
export interface ReconnectAdvice {
  /** The policy in force. */
  policy(base: PolicyData): PolicyData;
  /** The fault with the user's wish in it. */
  advise(fault: Fault, error: unknown, elapsedMs: number): Fault;
  /** The connection stands: the next outage counts anew. */
  reset(): void;
}

const untouched: ReconnectAdvice = {
  policy: (base) => base,
  advise: (fault) => fault,
  reset: () => undefined,
};

export function adviceFrom(user: UserPolicy): ReconnectAdvice {
  if (user === undefined) return untouched;
  if (!("nextRetryDelayInMilliseconds" in user)) {
    if (user.length === 0) return untouched;
    if (!user.every((ms) => ms >= 0))
      throw badOption("withAutomaticReconnect", user, allowed("withAutomaticReconnect"));
    const steps: Backoff = { shape: "steps", delaysMs: user, jitterMs: 1_000 };
    return { ...untouched, policy: (base) => ({ ...base, backoff: steps }) };
  }
  return adviceOf(user);
}

const asAdvised: Backoff = { shape: "steps", delaysMs: [0], jitterMs: 0 };

function adviceOf(user: IRetryPolicy): ReconnectAdvice {
  let previousRetryCount = 0;
  let delayMs: number | null = 0;
  return {
    policy: (base) => ({
      ...{ ...base, backoff: asAdvised, throttledBackoff: asAdvised },
      ...(delayMs === null && { attempts: 1 }),
    }),
    advise: (fault, error, elapsedMilliseconds) => {
      const retryReason = error instanceof Error ? error : new Error(String(error));
      try {
        delayMs = user.nextRetryDelayInMilliseconds({ previousRetryCount, elapsedMilliseconds, retryReason });
      } catch {
        delayMs = null; // As the official client has it.
      }
      previousRetryCount += 1;
      return delayMs === null ? fault : { ...fault, hintMs: Math.max(delayMs, fault.hintMs ?? 0) };
    },
    reset: () => {
      previousRetryCount = 0;
      delayMs = 0;
    },
  };
}
