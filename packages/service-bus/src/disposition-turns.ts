import type { Clock } from "@holdfast/core";

/**
 * Keeps settlements apart that must not be written together. rhea writes the dispositions of neighbouring deliveries as one
 * range and never compares the first two (session.js, `write_dispositions`): a dead-lettering beside a completion would go
 * out as two of the same kind. What is alike shares a turn of the event loop; what is not waits for a later one.
 */
export class DispositionTurns {
  readonly #clock: Clock;
  readonly #waiting: { readonly likeness: string; readonly go: () => void }[] = [];
  /** What is being written in this turn. */
  #writing: string | undefined;
  #isTurnTimed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Calls `go` in this turn, or in the first that has room for it, in the order of the calls.
   *
   * @param likeness - equal for settlements that are the same on the wire.
   */
  take(likeness: string, go: () => void): void {
    if (this.#waiting.length > 0 || (this.#writing !== undefined && this.#writing !== likeness)) {
      this.#waiting.push({ likeness, go });
      return;
    }
    this.#write(likeness, go);
  }

  #write(likeness: string, go: () => void): void {
    this.#writing = likeness;
    // A timer ends the turn: rhea writes when the turn's promises are through.
    if (!this.#isTurnTimed) {
      this.#isTurnTimed = true;
      this.#clock.after(0, () => {
        this.#isTurnTimed = false;
        this.#writing = undefined;
        this.#next();
      });
    }
    go();
  }

  #next(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#writing !== undefined && this.#writing !== next.likeness) return;
      this.#waiting.shift();
      this.#write(next.likeness, next.go);
    }
  }
}
