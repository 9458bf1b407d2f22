// The herd model of policies.md 3.8: everybody loses the connection in the same moment, the service stays down for a
// while and then takes so many connections a second. A model, not the service.
import { backoff, decide, policy, presets, type Fault, type Policy, type Random } from "@holdfast/core";
import { seededRandom } from "@holdfast/core/testing";
import { EventQueue } from "./event-queue.ts";
import { quantile } from "./statistics.ts";

export const clients = 2_000;
const downMs = 5_000;
const connectsPerSecond = 200;
export const bucketMs = 100;

/** Milliseconds until the next attempt, after so many that failed (0: the connection was just lost); undefined gives up. */
export type NextAttempt = (
  failed: number,
  previousMs: number | undefined,
  elapsedMs: number,
  random: Random,
) => number | undefined;

const lost: Fault = {
  kind: "disconnected",
  service: "model",
  id: "connection-lost",
  code: undefined,
  sent: "no",
  because: "",
  remedy: "",
  see: undefined,
  hintMs: undefined,
  missingClaim: undefined,
  trackingId: undefined,
};

/** What our policy decides: the lost connection is the first fault, so that even the first attempt comes after a random wait. */
export const byPolicy =
  (one: Policy): NextAttempt =>
  (failed, previousWaitMs, elapsedMs, random) => {
    const progress = { elapsedMs, counted: failed + 1, ofKind: failed + 1, previousWaitMs };
    const decision = decide(lost, progress, one, random);
    return decision.retry ? decision.waitMs : undefined;
  };

const listed =
  (...delaysMs: number[]): NextAttempt =>
  (failed) =>
    delaysMs[failed];

export const holdfast: readonly [string, NextAttempt] = [
  "Holdfast: presets.reconnect",
  byPolicy(presets.reconnect),
];

export const peers: readonly (readonly [string, NextAttempt])[] = [
  ["full jitter, 1 … 60 s", byPolicy(reconnect(backoff.full({ baseMs: 1_000, capMs: 60_000 })))],
  ["decorrelated, 1 … 60 s", byPolicy(reconnect(backoff.decorrelated({ baseMs: 1_000, capMs: 60_000 })))],
  ["exponential, no jitter", (failed) => Math.min(60_000, 1_000 * 2 ** failed)],
  ["core-amqp: fixed 30 s", (failed) => (failed === 0 ? 0 : 30_000)],
  ["SignalR: 0, 2, 10, 30 s", listed(0, 2_000, 10_000, 30_000)],
];

function reconnect(shape: Policy["backoff"]): Policy {
  return policy({ attempts: Infinity, deadlineMs: Infinity, backoff: shape });
}

export interface Outcome {
  /** The most attempts that any 100 ms saw. */
  readonly peak: number;
  /** Clients that gave up, or were not back after an hour. */
  readonly stranded: number;
  readonly attemptsPerClient: number;
  /** When 99 % of all clients were back, in seconds; undefined when fewer ever were. */
  readonly p99Seconds: number | undefined;
  /** Attempts in each 100 ms. */
  readonly attempts: readonly number[];
}

const anHourMs = 3_600_000;

export function herd(next: NextAttempt, seed: number): Outcome {
  const random = seededRandom(seed);
  const queue = new EventQueue<{ readonly failed: number; readonly previousMs: number | undefined }>();
  const attempts: number[] = [];
  const backAt: number[] = [];
  let total = 0;
  let stranded = 0;
  let window = -1;
  let left = 0;
  const tryAfter = (now: number, failed: number, previousMs: number | undefined): void => {
    const waitMs = next(failed, previousMs, now, random);
    if (waitMs === undefined || now + waitMs > anHourMs) stranded += 1;
    else queue.add(now + waitMs, { failed, previousMs: waitMs });
  };
  for (let client = 0; client < clients; client += 1) tryAfter(0, 0, undefined);
  for (let event = queue.take(); event !== undefined; event = queue.take()) {
    const { at, what } = event;
    const bucket = Math.floor(at / bucketMs);
    attempts[bucket] = (attempts[bucket] ?? 0) + 1;
    total += 1;
    const second = Math.floor(at / 1_000);
    if (second !== window) {
      window = second;
      left = connectsPerSecond;
    }
    if (at >= downMs && left > 0) {
      left -= 1;
      backAt.push(at);
    } else tryAfter(at, what.failed + 1, what.previousMs);
  }
  const all = [...backAt, ...Array<number>(stranded).fill(Infinity)];
  const p99 = quantile(all, 0.99);
  return {
    peak: Math.max(...Array.from(attempts, (count: number | undefined) => count ?? 0)),
    stranded,
    attemptsPerClient: total / clients,
    p99Seconds: p99 === Infinity ? undefined : p99 / 1_000,
    attempts: Array.from(attempts, (count: number | undefined) => count ?? 0),
  };
}
