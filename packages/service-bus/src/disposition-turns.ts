import type { Clock } from "@holdfast/core";

/** One settlement, as it goes out. */
export interface Disposition {
  /** Equal for settlements that are the same on the wire. */
  readonly likeness: string;
  /** Hands it to the engine. */
  write(): unknown;
}

// Enough that a batch is a few frames, few enough that the service has work while the rest of a large batch is still being made.
const burst = 32;

/**
 * Keeps settlements apart that must not be written together. rhea writes the dispositions of neighbouring deliveries as one
 * range and never compares the first two (session.js, `write_dispositions`): a dead-lettering beside a completion would go
 * out as two of the same kind. What is alike shares a turn of the event loop; what is not waits for a later one.
 */
export class DispositionTurns {
  readonly #clock: Clock;
  readonly #waiting: Disposition[] = [];
  /** What is being written in this turn. */
  #writing: string | undefined;
  #isTurnTimed = false;
  /** How many have been handed over since the engine last wrote. */
  #inBurst = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Writes it in this turn, or in the first that has room for it, in the order of the calls. */
  take(disposition: Disposition): void {
    const { likeness } = disposition;
    if (this.#waiting.length > 0 || !this.#hasRoomFor(likeness)) this.#waiting.push(disposition);
    else this.#write(disposition);
  }

  #hasRoomFor(likeness: string): boolean {
    return this.#inBurst < burst && (this.#writing === undefined || this.#writing === likeness);
  }

  #write(disposition: Disposition): void {
    this.#writing = disposition.likeness;
    // A timer ends the turn: rhea writes when the turn's promises are through.
    if (!this.#isTurnTimed) {
      this.#isTurnTimed = true;
      this.#clock.after(0, () => {
        this.#isTurnTimed = false;
        this.#writing = undefined;
        this.#inBurst = 0;
        this.#next();
      });
    }
    disposition.write();
    this.#inBurst += 1;
    // Behind the engine, which asked for its own next tick with the first of these.
    if (this.#inBurst === burst) {
      process.nextTick(() => {
        this.#inBurst = 0;
        this.#next();
      });
    }
  }

  #next(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#hasRoomFor(next.likeness)) return;
      this.#waiting.shift();
      this.#write(next);
    }
  }
}
