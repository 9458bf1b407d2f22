import { backoff } from "./backoff.ts";
import { policy } from "./policy.ts";

/** Starting points; adapt with `.with()`. */
export const presets = Object.freeze({
  /** One request with an answer: full jitter 100 ms … 20 s, 10 attempts, 10 s each, 60 s in all. */
  request: policy(),
  /** Making a connection: for ever, decorrelated jitter 1 … 10 s with a random first delay, 10 s an attempt. */
  reconnect: policy({
    attempts: Infinity,
    deadlineMs: Infinity,
    backoff: backoff.decorrelated({ baseMs: 1_000, capMs: 10_000 }),
  }),
  /** One attempt, no repetition, 60 s. */
  none: policy({ attempts: 1, attemptTimeoutMs: 60_000 }),
});
