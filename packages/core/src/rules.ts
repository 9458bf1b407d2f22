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

const rule = (action: Action, limit: number, counts: boolean): Rule =>
  Object.freeze({ action, limit, counts });

const retry: Rule = /* @__PURE__ */ rule("retry", Infinity, true);
const wait: Rule = /* @__PURE__ */ rule("retry", Infinity, false);
const fail: Rule = /* @__PURE__ */ rule("fail", 1, true);

/** The defaults; a policy's `on` overrides single kinds. */
export const defaultRules: Readonly<Record<FaultKind, Rule>> = Object.freeze({
  transient: retry,
  timeout: retry,
  throttled: wait,
  disconnected: wait,
  auth: /* @__PURE__ */ rule("refresh", 2, true),
  // Whoever moves meets others that have moved, and finds the next connection full too.
  "token-limit": /* @__PURE__ */ rule("rotate", 10, true),
  quota: fail,
  "lock-lost": fail,
  conflict: fail,
  // Somebody else took the connection; the table says for how long to leave it to them.
  "duplicate-identity": wait,
  "not-found": fail,
  "too-large": fail,
  "client-bug": fail,
  cancelled: fail,
  unknown: /* @__PURE__ */ rule("retry", 2, true),
});
