import { gate, type Clock, type Gate, type GateOutcome, type GateState, type GateWait } from "@holdfast/core";

const beta = 0.7;
const scale = 0.4;
const smooth = 0.8;
const leastPerSecond = 0.5;

/**
 * The AWS SDKs' adaptive mode as a peer in the models (policies.md 3.7): a token bucket whose rate falls to 0.7 of what was
 * sent when the service throttles, and returns along a cubic.
 */
export class AwsAdaptiveGate implements Gate {
  readonly #clock: Clock;
  #isOn = false;
  #rate = 0;
  #capacity = 0;
  #tokens = 0;
  #filledAt = 0;
  #measured = 0;
  #bucket = 0;
  #count = 0;
  #rateAtThrottle = 0;
  #throttledAt = 0;
  #inFlight = 0;
  readonly #waiting = new Set<{ readonly cost: number; readonly admit: () => void }>();
  #stop: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bucket = Math.floor((clock.now() / 1_000) * 2) / 2;
  }

  get state(): GateState {
    return { ...gate({ clock: this.#clock }).state, inFlight: this.#inFlight };
  }

  enter(_lane: string, cost: number): GateWait | undefined {
    this.#inFlight += 1;
    if (!this.#isOn) return undefined;
    this.#fill();
    if (this.#waiting.size === 0 && this.#tokens >= cost) {
      this.#tokens -= cost;
      return undefined;
    }
    let admit = (): void => undefined;
    const admitted = new Promise<void>((resolve) => (admit = resolve));
    const waiter = { cost, admit };
    this.#waiting.add(waiter);
    this.#serve();
    return {
      admitted,
      cancel: () => {
        this.#waiting.delete(waiter);
        this.#inFlight -= 1;
        this.#serve();
      },
    };
  }

  leave(outcome: GateOutcome): void {
    this.#inFlight -= 1;
    const now = this.#clock.now() / 1_000;
    this.#measure(now);
    let rate: number;
    if (outcome === "throttled") {
      this.#rateAtThrottle = this.#isOn ? Math.min(this.#measured, this.#rate) : this.#measured;
      this.#throttledAt = now;
      rate = this.#rateAtThrottle * beta;
      this.#isOn = true;
    } else {
      const backAfter = Math.cbrt((this.#rateAtThrottle * (1 - beta)) / scale);
      rate = scale * (now - this.#throttledAt - backAfter) ** 3 + this.#rateAtThrottle;
    }
    this.#fill();
    this.#rate = Math.max(leastPerSecond, Math.min(rate, 2 * this.#measured));
    this.#capacity = Math.max(1, this.#rate);
    this.#tokens = Math.min(this.#tokens, this.#capacity);
    this.#serve();
  }

  restrict(): void {
    // It has no limits to be set from outside.
  }

  /** In order of arrival, which is kinder than theirs: there, whoever waits sleeps for what was missing when it came. */
  #serve(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#fill();
    for (const waiter of this.#waiting) {
      if (this.#tokens < waiter.cost) {
        const ms = Math.max(0.01, ((waiter.cost - this.#tokens) / this.#rate) * 1_000);
        this.#stop = this.#clock.after(ms, () => {
          this.#serve();
        });
        return;
      }
      this.#tokens -= waiter.cost;
      this.#waiting.delete(waiter);
      waiter.admit();
    }
  }

  #fill(): void {
    const now = this.#clock.now() / 1_000;
    if (this.#filledAt > 0) {
      this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#filledAt) * this.#rate);
    }
    this.#filledAt = now;
  }

  #measure(now: number): void {
    this.#count += 1;
    const bucket = Math.floor(now * 2) / 2;
    if (bucket <= this.#bucket) return;
    this.#measured = (this.#count / (bucket - this.#bucket)) * smooth + this.#measured * (1 - smooth);
    this.#count = 0;
    this.#bucket = bucket;
  }
}
