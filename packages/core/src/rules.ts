import type { FaultKind } from "./fault.ts";

/**
 * What `run()` does about a fault. `retry`: wait, then again. `refresh`: throw away the credential or link and try again.
 * `rotate`: move to another connection and try again without waiting. `fail`: give the error to the caller.
 */
export type Action = "retry" | "refresh" | "rotate" | "fail";

/** The answer to one kind of fault. */
export interface Rule {
  readonly action: Action;
  /** How many faults of this kind one call may see before it gives up, the last one included. */
  readonly limit: number;
  /** Whether such a fault counts against the policy's `attempts`. Outages and throttling do not; the deadline ends them. */
  readonly counts: boolean;
}

const retry: Rule = Object.freeze({ action: "retry", limit: Infinity, counts: true });
const wait: Rule = Object.freeze({ action: "retry", limit: Infinity, counts: false });
const fail: Rule = Object.freeze({ action: "fail", limit: 1, counts: true });

/** The defaults; a policy's `on` overrides single kinds. */
export const defaultRules: Readonly<Record<FaultKind, Rule>> = Object.freeze({
  transient: retry,
  timeout: retry,
  throttled: wait,
  disconnected: wait,
  auth: Object.freeze({ action: "refresh", limit: 2, counts: true }),
  "token-limit": Object.freeze({ action: "rotate", limit: 3, counts: true }),
  quota: fail,
  "lock-lost": fail,
  conflict: fail,
  // Somebody else took the connection; the table says for how long to leave it to them.
  "duplicate-identity": wait,
  "not-found": fail,
  "too-large": fail,
  "client-bug": fail,
  cancelled: fail,
  unknown: Object.freeze({ action: "retry", limit: 2, counts: true }),
});
