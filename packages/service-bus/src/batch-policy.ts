import type { Policy } from "@holdfast/core";

// The official client's default.
const defaultWaitMs = 60_000;

// What opening, draining and our timers may take on top of the caller's wait.
const graceMs = 900;

/** How long calls of `receiveMessages` may take. */
export class BatchPolicy {
  #latest: { readonly from: Policy; readonly waitMs: number; readonly to: Policy } | undefined;

  /** A call has as long as its caller waits, and most wait as long as the last. */
  for(from: Policy, given: number | undefined): { readonly policy: Policy; readonly waitMs: number } {
    const waitMs = given ?? defaultWaitMs;
    if (this.#latest?.from !== from || this.#latest.waitMs !== waitMs) {
      const to = from.with({ deadlineMs: waitMs + graceMs, attemptTimeoutMs: Infinity });
      this.#latest = { from, waitMs, to };
    }
    return { policy: this.#latest.to, waitMs };
  }
}
