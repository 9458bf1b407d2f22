import { defaultRules, type Policy } from "@holdfast/core";

/**
 * The operations that have a policy.
 *
 * - `signalr.start`: connecting for the first time after `start()`. What cannot be mended fails at once.
 * - `signalr.reconnect`: connecting again. For ever, unless the server refuses the client itself.
 */
export type SignalROperation = "signalr.start" | "signalr.reconnect";

/** A policy as data. */
export type PolicyData = Omit<Policy, "with">;

const start: PolicyData = {
  ...{ attempts: Infinity, deadlineMs: Infinity, attemptTimeoutMs: 10_000, onUnknown: "resend" },
  // Decorrelated with a random first delay: the flattest peak when a crowd returns.
  backoff: { shape: "decorrelated", baseMs: 1_000, capMs: 10_000 },
  // At a connection limit every attempt is refused until somebody leaves: no more than ten a minute from each client.
  throttledBackoff: { shape: "equal", baseMs: 5_000, capMs: 30_000 },
  rules: { ...defaultRules, unknown: defaultRules.transient },
};

const reconnect: PolicyData = {
  ...start,
  rules: {
    ...start.rules,
    // During a deployment a gateway knows no hub for a while; a connection that once stood is worth asking again.
    "not-found": defaultRules.transient,
    auth: { ...defaultRules.auth, limit: 5 },
  },
};

/**
 * The default policies. Data and not made by `policy()`, whose checks a page need not load; a test holds the two together,
 * and `signalrPolicies()` is for changing them.
 */
export const defaultPolicies: Readonly<Record<SignalROperation, PolicyData>> = {
  "signalr.start": start,
  "signalr.reconnect": reconnect,
};
