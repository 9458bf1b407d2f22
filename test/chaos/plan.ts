import { seededRandom } from "@holdfast/core/testing";
import { faultNames, type FaultName } from "./fault-kinds.ts";

/** A fault and when it begins, in milliseconds from the start of the run. */
export interface PlannedFault {
  readonly name: FaultName;
  readonly atMs: number;
}

/** All that chance decides about a run, so that the seed repeats the schedule (not the timing of threads and sockets). */
export interface Plan {
  readonly seed: number;
  readonly messages: number;
  readonly lockDurationMs: number;
  readonly duplicateDetection: boolean;
  /** Sends at a time. */
  readonly producers: number;
  /** Messages a call: one, or an array. */
  readonly perCall: number;
  /** Messages that the receiver has in hand at a time. */
  readonly concurrency: number;
  /** Whether the receiver completes what the handler returns from, or the handler settles. */
  readonly autoComplete: boolean;
  /** Sessions that the messages belong to, and that are taken at once; 0 for none. */
  readonly sessions: number;
  readonly faults: readonly PlannedFault[];
}

const lastFaultMs = 3_000;

/** The schedule that belongs to a seed. @param kinds - the faults to draw from; default all */
export function planOf(seed: number, messages: number, kinds: readonly FaultName[] = faultNames): Plan {
  const random = seededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const faults = Array.from({ length: 2 + Math.floor(random() * 5) }, () => ({
    name: pick(kinds),
    atMs: Math.round(random() * lastFaultMs),
  })).sort((one, other) => one.atMs - other.atMs);
  return {
    seed,
    messages,
    // What is lost on its way to us comes again when its lock ends: within the patience of a run.
    lockDurationMs: pick([1_500, 3_000, 8_000]),
    duplicateDetection: random() < 0.5,
    producers: pick([1, 4, 20]),
    perCall: pick([1, 1, 1, 10]),
    concurrency: pick([1, 4, 16]),
    autoComplete: random() < 0.5,
    sessions: 0,
    faults,
  };
}

/** The schedule of a seed for messages in sessions: the same faults, and the order of what is handled is looked at. */
export function sessionPlanOf(seed: number, messages: number): Plan {
  const plan = planOf(seed, messages);
  // What a processor does with what its handler returns from is to complete it.
  return { ...plan, autoComplete: true, sessions: [1, 3, 8][seed % 3] as number };
}

/** What a handler does with a message. */
export type Intent = "complete" | "abandon" | "dead-letter" | "throw";

/**
 * What the handler does with a message when it sees it for the `run`-th time (from 1), and how long it takes: mostly a
 * moment, once longer than the lock lasts.
 */
export function workOf(plan: Plan, messageId: string, run: number): { intent: Intent; takesMs: number } {
  const random = seededRandom(plan.seed * 31 + hash(messageId) + run * 7_919);
  const draw = random();
  const unusual = run > 1 ? 0 : draw;
  const intent: Intent =
    // In a session what fails is repeated in place, so nothing but failing once is unusual there.
    plan.sessions > 0
      ? unusual > 0.95
        ? "throw"
        : "complete"
      : unusual > 0.97
        ? "dead-letter"
        : unusual > 0.94
          ? "throw"
          : unusual > 0.9
            ? "abandon"
            : "complete";
  // One in a run: with one message at a time, several would take longer than the run.
  const isLong = messageId === `m-${String(1 + (plan.seed % plan.messages))}`;
  return { intent, takesMs: isLong ? plan.lockDurationMs * 1.5 : Math.floor(random() * 4) };
}

function hash(text: string): number {
  let value = 2_166_136_261;
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 16_777_619) >>> 0;
  return value;
}
