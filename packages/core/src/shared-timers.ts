import { platformTimers, systemClock, type Clock } from "./clock.ts";
import { TimerLine } from "./timer-line.ts";

/**
 * {@link systemClock} for who sets time limits thousands of times a second: those of one length share a timer of the platform.
 * A limit is told by its looks: policies have whole seconds, and a wait with jitter is never round.
 */
export const sharedTimers: Clock = {
  now: () => systemClock.now(),
  wallNow: () => systemClock.wallNow(),
  after: (ms, fire) => (isLimit(ms) ? lineFor(ms).join(fire) : systemClock.after(ms, fire)),
};

function isLimit(ms: number): boolean {
  return ms >= 1_000 && ms <= 600_000 && ms % 1_000 === 0;
}

/** By length, in milliseconds: a line lasts while its timer does. */
const lines = new Map<number, TimerLine>();
let madeOf: unknown;

function lineFor(ms: number): TimerLine {
  if (madeOf !== platformTimers.kind) {
    madeOf = platformTimers.kind;
    lines.clear();
  }
  let line = lines.get(ms);
  if (line === undefined) {
    const made = new TimerLine(ms, platformTimers, () => {
      if (lines.get(ms) === made) lines.delete(ms);
    });
    line = made;
    lines.set(ms, line);
  }
  return line;
}
