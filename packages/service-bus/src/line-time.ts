import type { Clock } from "@holdfast/core";

// A service whose acknowledgements come sooner is one whose work, not whose distance, is waited for.
const shortMs = 3;

// How much of an old measure may be wrong after each new one: a line that became twice as long is known after seven.
const forgetting = 1.1;

/**
 * How long an acknowledgement takes at the least. One transfer at a time is measured, by counting: a link's transfers are
 * acknowledged in their order, and one that is not makes a single measure too long, which the least one passes over.
 */
export class LineTime {
  readonly #clock: Clock;
  #leastMs: number | undefined;
  #measuredSince: number | undefined;
  /** Transfers that end before the one that is measured. */
  #ahead = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to wait for an acknowledgement takes next to no time; true as long as nobody knows. */
  get isShort(): boolean {
    return this.#leastMs === undefined || this.#leastMs <= shortMs;
  }

  /** A transfer begins while so many are under way. */
  begun(underWay: number): void {
    if (this.#measuredSince !== undefined) return;
    this.#measuredSince = this.#clock.now();
    this.#ahead = underWay;
  }

  /** A transfer ended. */
  over(): void {
    if (this.#measuredSince === undefined) return;
    if (this.#ahead > 0) {
      this.#ahead -= 1;
      return;
    }
    const tookMs = this.#clock.now() - this.#measuredSince;
    this.#leastMs = Math.min(tookMs, (this.#leastMs ?? Infinity) * forgetting);
    this.#measuredSince = undefined;
  }
}
