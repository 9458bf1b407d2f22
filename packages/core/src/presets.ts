import { backoff } from "./backoff.ts";
import { policy } from "./policy.ts";

const guideSteps = backoff.steps({ delaysMs: [1_000, 2_000, 4_000], jitterMs: 1_000 });

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
  /**
   * What the Service Bus troubleshooting guide shows for code of one's own: three retries after 1, 2 and 4 s, each plus
   * up to a second, throttling included (SBC-099). For those who followed it; `request` does better.
   */
  guide: policy({
    attempts: 4,
    backoff: guideSteps,
    throttledBackoff: guideSteps,
    on: { throttled: { action: "retry", counts: true } },
  }),
  /** One attempt, no repetition, 60 s. */
  none: policy({ attempts: 1, attemptTimeoutMs: 60_000 }),
});
