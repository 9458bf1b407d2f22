/** How many sends one connection has under way at first: more than most devices ever have. */
const firstSize = 128;

/** Before the first is late it grows by this for each that is in time: a bucket that is full at first lets a second's worth pass. */
const growth = 1 / 4;

/** Acknowledgements in a row, or as many as are under way, that have to be late before it matters. */
const lateInARow = 8;

/** The usual is the least of this stretch and the one before, in milliseconds. */
const stretchMs = 30_000;

/** A size that nobody has waited for in so long is forgotten, in milliseconds. */
const forgetMs = 10_000;

/**
 * How many sends may be under way at once, learnt from how long acknowledgements take. A hub that is sent more than its tier
 * allows holds messages back for a while before it refuses any (traffic shaping), so what comes late says in time that there
 * is too much on the way: then half as many, and slowly more while they come in time, as LEDBAT does (RFC 6817). It begins large, and grows quickly
 * until the first is late. Only numbers and timestamps.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling#traffic-shaping
 */
export class WindowSize {
  readonly #lateMs: number;
  #size = firstSize;
  #isLearnt = false;
  #late = 0;
  #cutAt = -Infinity;
  #fullAt = -Infinity;
  #least = Infinity;
  #leastBefore = Infinity;
  #stretchSince = -Infinity;

  /** @param lateMs - how much longer than usual is late, in milliseconds */
  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  get size(): number {
    return Math.floor(this.#size);
  }

  /** One was acknowledged. @param inFlight - with this one. @param isAwaited - whether somebody waits for a place. */
  acknowledged(sentAt: number, now: number, inFlight: number, isAwaited: boolean): void {
    const latencyMs = now - sentAt;
    // When it was sent, because those who wait now may all have come since.
    if (this.#isLearnt && sentAt - this.#fullAt > forgetMs) this.#forget();
    if (isAwaited) this.#fullAt = now;
    this.#measure(latencyMs, now);
    // What was sent before says nothing of the size since.
    if (sentAt < this.#cutAt) return;
    if (latencyMs <= Math.min(this.#least, this.#leastBefore) + this.#lateMs) {
      this.#late = 0;
      if (isAwaited) this.#size += this.#isLearnt ? 1 / this.#size : growth;
      return;
    }
    this.#late += 1;
    if (this.#late >= Math.min(lateInARow, inFlight)) this.#cut(latencyMs, now, inFlight);
  }

  #cut(latencyMs: number, now: number, inFlight: number): void {
    // One at a time waits for nothing of its own: so long is the way now.
    if (inFlight <= 1) [this.#least, this.#leastBefore] = [latencyMs, Infinity];
    this.#size = Math.max(1, Math.min(this.#size, inFlight) / 2);
    this.#isLearnt = true;
    this.#cutAt = now;
    this.#fullAt = now;
    this.#late = 0;
  }

  #measure(latencyMs: number, now: number): void {
    // While it is held down, what is usual would creep up to what is late.
    if (!this.#isLearnt && now - this.#stretchSince > stretchMs) {
      this.#leastBefore = this.#least;
      this.#least = latencyMs;
      this.#stretchSince = now;
    } else if (latencyMs < this.#least) this.#least = latencyMs;
  }

  #forget(): void {
    this.#isLearnt = false;
    this.#size = Math.max(this.#size, firstSize);
  }
}
