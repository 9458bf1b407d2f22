import type { SimulatorClock } from "../clock.ts";
import type { ThrottleOptions } from "./options.ts";

/** What the hub does with one more operation: `waitMs` milliseconds later, or not at all. */
export type Admission = { readonly waitMs: number } | "throttled";

class Rate {
  readonly #perSecond: number;
  readonly #now: () => number;
  #free = -Infinity;

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Takes a turn at this rate, unless it would come later than `maxWaitMs` from now. */
  admit(maxWaitMs: number): Admission {
    const now = this.#now();
    // A second's worth, but at least one, may come at once, as with the service's own token bucket.
    const start = Math.max(this.#free, now - Math.max(0, 1_000 - 1_000 / this.#perSecond));
    const waitMs = Math.max(0, start - now);
    if (waitMs > maxWaitMs) return "throttled";
    this.#free = start + 1_000 / this.#perSecond;
    return { waitMs };
  }
}

/**
 * Traffic shaping: what exceeds the rate is held back, and refused only when it would be held back too long.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling#traffic-shaping
 */
export class HubThrottle {
  readonly #options: ThrottleOptions;
  readonly #sends: Rate | undefined;
  readonly #connections: Rate | undefined;
  readonly #twins: Rate | undefined;

  constructor(options: ThrottleOptions, clock: SimulatorClock) {
    const rate = (perSecond: number | undefined): Rate | undefined =>
      perSecond === undefined ? undefined : new Rate(perSecond, () => clock.now());
    this.#options = options;
    this.#sends = rate(options.sendsPerSecond);
    this.#connections = rate(options.connectionsPerSecond);
    this.#twins = rate(options.twinOperationsPerSecond);
  }

  admitSend(): Admission {
    return this.#sends?.admit(this.#options.maxShapingMs ?? 2_000) ?? { waitMs: 0 };
  }

  admitConnection(): boolean {
    return this.#connections?.admit(0) !== "throttled";
  }

  admitTwinOperation(): boolean {
    return this.#twins?.admit(0) !== "throttled";
  }
}
