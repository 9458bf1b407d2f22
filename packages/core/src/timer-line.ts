/** A timer of the platform. Where a process ends when nothing is left to do (Node), `unref` keeps it from waiting for this. */
export interface PlatformTimer {
  readonly ref?: () => unknown;
  readonly unref?: () => unknown;
}

/** What a {@link TimerLine} needs of the platform. */
export interface Platform {
  /** What sets the timers: a test may put one of its own in its place, and expects to see them there. */
  readonly kind: unknown;
  now(): number;
  /** Calls `fire` once after `ms` milliseconds, or a little earlier. */
  set(ms: number, fire: () => void): PlatformTimer;
}

/** One who waits in a line. */
class Waiting {
  readonly due: number;
  readonly fire: () => void;
  before: Waiting | undefined;
  after: Waiting | undefined;
  isIn = true;

  constructor(due: number, fire: () => void, before: Waiting | undefined) {
    this.due = due;
    this.fire = fire;
    this.before = before;
  }
}

/**
 * Everybody who waits for the same length of time, under one timer of the platform: who came first is due first. Every call
 * has its time limits and hardly any is ever reached; a timer set and cleared for each is a fifth of what Holdfast adds to
 * a send. The platform's timer stays when the line is empty, and then keeps no process alive.
 */
export class TimerLine {
  readonly #ms: number;
  readonly #platform: Platform;
  readonly #over: () => void;
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #timer: PlatformTimer | undefined;

  /** @param over - called when its timer has run out and nobody waits: the line holds nothing any more. */
  constructor(ms: number, platform: Platform, over: () => void) {
    this.#ms = ms;
    this.#platform = platform;
    this.#over = over;
  }

  /** Calls `fire` once, never early; returns a function that cancels it. */
  join(fire: () => void): () => void {
    const one = new Waiting(this.#platform.now() + this.#ms, fire, this.#last);
    if (this.#last === undefined) {
      this.#first = one;
      if (this.#timer === undefined) this.#arm(this.#ms);
      else this.#timer.ref?.();
    } else this.#last.after = one;
    this.#last = one;
    return () => {
      this.#leave(one);
      if (this.#first === undefined) this.#timer?.unref?.();
    };
  }

  #arm(ms: number): void {
    this.#timer = this.#platform.set(ms, () => {
      this.#timer = undefined;
      this.#serve();
    });
  }

  #serve(): void {
    const now = this.#platform.now();
    // What one of them throws is its own affair: the others are due all the same.
    try {
      for (let one = this.#first; one !== undefined && one.due <= now; one = this.#first) {
        this.#leave(one);
        one.fire();
      }
    } finally {
      if (this.#timer === undefined) {
        if (this.#first === undefined) this.#over();
        else this.#arm(this.#first.due - now);
      }
    }
  }

  #leave(one: Waiting): void {
    if (!one.isIn) return;
    one.isIn = false;
    const { before, after } = one;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    one.before = undefined;
    one.after = undefined;
  }
}
