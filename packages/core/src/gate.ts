import { AdaptiveRate } from "./adaptive-rate.ts";
import { systemClock, type Clock } from "./clock.ts";
import { CreditWindow } from "./credit-window.ts";
import { badOption, isObject } from "./holdfast-error.ts";
import { lanes, type Lane } from "./lane.ts";
import { WaitingLine, type Place } from "./waiting-line.ts";

/** How a {@link Gate} limits beyond what throttling teaches it. */
export interface GateOptions {
  /**
   * Never spends more credits than this in any second, whether the service throttles or not. Off by default: for a
   * namespace that this process has to itself, or a share of one. See {@link creditPacing}.
   */
  readonly pacing?: { readonly creditsPerSecond: number };
  /** Operations under way at once. Default Infinity; 1 or more. */
  readonly maxInFlight?: number;
  /** For tests. */
  readonly clock?: Clock;
}

/** What a Service Bus namespace takes (service-bus-throttling: 1000 credits a second; 30 is announced). */
export const creditPacing = Object.freeze({
  standard: Object.freeze({ creditsPerSecond: 1_000 }),
  reduced: Object.freeze({ creditsPerSecond: 30 }),
});

/** How an operation that the gate let pass ended, as far as the service's capacity is concerned. */
export type GateOutcome = "accepted" | "throttled" | "failed";

/** One who has to wait. */
export interface GateWait {
  /** Resolves when it is its turn; stays pending after `cancel()`. */
  readonly admitted: Promise<void>;
  /** Leaves the line, or gives the place back when it was granted in the meantime. */
  cancel(): void;
}

/** The gate as it stands, for logs and tests. */
export interface GateState {
  /** Credits a second; Infinity while nothing limits. */
  readonly creditsPerSecond: number;
  readonly waiting: number;
  readonly inFlight: number;
}

/**
 * Decides how fast operations may begin. One is shared by everybody in the process who uses the same namespace or hub
 * ({@link sharedGate}). It lets everything pass until the service first throttles; then it paces what follows.
 * `run()` uses it; others pair each `enter` with one `leave`.
 */
export interface Gate {
  /**
   * Asks for a place: `undefined` means go now.
   *
   * @param cost - in credits: 1 for a message, 10 for a management call.
   * @param returns - whether it was let in before and sent back by the service: then it goes before its lane's newcomers,
   * for it has waited already. Default false.
   */
  enter(lane: Lane, cost: number, returns?: boolean): GateWait | undefined;
  /** Gives the place back; once for each operation that was let in. */
  leave(outcome: GateOutcome, cost: number): void;
  /** Limits further, for another user of the same gate: the stricter of each limit holds; its clock stays. */
  restrict(options: GateOptions): void;
  readonly state: GateState;
  /** Whether nothing limits at present, so that `enter` lets anything pass. Left out: it must be asked each time. */
  readonly isSilent?: boolean;
}

/**
 * Makes a gate.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function gate(options: GateOptions = {}): Gate {
  const made = new PacedGate(options.clock ?? systemClock);
  made.restrict(options);
  return made;
}

/** How much of its rate a gate that was idle, or woken late, may make up for at once. */
const catchUpMs = 100;

/** However much one operation costs, the others do not wait longer for it to be paid. */
const longestDebtMs = 10_000;

interface Waiter extends Place, GateWait {
  readonly cost: number;
  readonly admit: () => void;
  stage: "waiting" | "admitted" | "cancelled";
}

class PacedGate implements Gate {
  readonly #clock: Clock;
  readonly #line = new WaitingLine<Waiter>();
  readonly #adaptive = new AdaptiveRate();
  #creditsPerSecond = Infinity;
  #window: CreditWindow | undefined;
  #maxInFlight = Infinity;
  #inFlight = 0;
  #inFlightCredits = 0;
  /** When what has been spent so far is paid for, at the rate of its time. */
  #paidAt = -Infinity;
  /** Only wakes the gate: losing or repeating it changes nothing. */
  #alarm: { readonly at: number; readonly stop: () => void } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): GateState {
    return {
      creditsPerSecond: this.#rate(this.#now()),
      waiting: this.#line.length,
      inFlight: this.#inFlight,
    };
  }

  enter(lane: Lane, cost: number, returns = false): GateWait | undefined {
    // A cost that is none would close the gate for good.
    if (!(cost >= 0 && cost < Infinity)) throw badOption("cost", cost, "a number of credits, 0 or more");
    // Nothing limits: not even the time matters.
    if (this.isSilent) {
      this.#inFlight += 1;
      this.#inFlightCredits += cost;
      return undefined;
    }
    if (!lanes.includes(lane)) throw badOption("lane", lane, `one of ${lanes.join(", ")}`);
    const now = this.#now();
    if (this.#line.length === 0 && this.#opensAt(cost, now) <= now) {
      this.#admit(cost, now);
      return undefined;
    }
    const waiter = this.#waiter(lane, cost, returns);
    this.#line.join(waiter);
    this.#adaptive.bound(now);
    this.#serve(now);
    return waiter;
  }

  leave(outcome: GateOutcome, cost: number): void {
    this.#inFlight -= 1;
    this.#inFlightCredits = this.#inFlight === 0 ? 0 : this.#inFlightCredits - cost;
    this.#window?.answered(cost, this.#now());
    if (outcome === "accepted") this.#adaptive.accepted(cost, this.#clock);
    else if (outcome === "throttled") this.#adaptive.throttled(this.#now());
    if (this.#line.length > 0) this.#serve(this.#now());
  }

  restrict(options: GateOptions): void {
    const { creditsPerSecond, maxInFlight } = checked(options);
    this.#maxInFlight = Math.min(this.#maxInFlight, maxInFlight);
    if (creditsPerSecond >= this.#creditsPerSecond) return;
    this.#creditsPerSecond = creditsPerSecond;
    this.#window ??= new CreditWindow(creditsPerSecond);
    this.#window.limit = creditsPerSecond;
  }

  get isSilent(): boolean {
    if (this.#window !== undefined || this.#inFlight >= this.#maxInFlight) return false;
    return this.#adaptive.isSilent && this.#line.length === 0;
  }

  /** Lets in everybody whose turn has come, and sets the alarm for the next. */
  #serve(now: number): void {
    for (let waiter = this.#line.next; waiter !== undefined; waiter = this.#line.next) {
      const at = this.#opensAt(waiter.cost, now);
      if (at > now) {
        this.#wakeAt(at, now);
        return;
      }
      this.#line.serve(waiter);
      waiter.stage = "admitted";
      this.#admit(waiter.cost, now);
      waiter.admit();
    }
    this.#alarm?.stop();
    this.#alarm = undefined;
  }

  /** When an operation may begin; Infinity means: not before another ends. */
  #opensAt(cost: number, now: number): number {
    if (this.#inFlight >= this.#maxInFlight) return Infinity;
    const free = this.#window?.freeAt(cost, this.#inFlightCredits, now) ?? now;
    return Math.max(free, this.#rate(now) === Infinity ? now : this.#paidAt);
  }

  #admit(cost: number, now: number): void {
    this.#inFlight += 1;
    this.#inFlightCredits += cost;
    const rate = this.#rate(now);
    if (rate !== Infinity) {
      const debtMs = Math.min((cost / rate) * 1_000, longestDebtMs);
      this.#paidAt = Math.max(this.#paidAt, now - catchUpMs) + debtMs;
    }
  }

  /** Credits a second, the limits of both kinds together. */
  #rate(now: number): number {
    return Math.min(this.#creditsPerSecond, this.#adaptive.perSecond(now));
  }

  #wakeAt(at: number, now: number): void {
    if (this.#alarm?.at === at) return;
    this.#alarm?.stop();
    this.#alarm = undefined;
    if (at === Infinity) return;
    const stop = this.#clock.after(at - now, () => {
      this.#alarm = undefined;
      this.#serve(this.#now());
    });
    this.#alarm = { at, stop };
  }

  #waiter(lane: Lane, cost: number, returns: boolean): Waiter {
    let admit = (): void => undefined;
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    const cancel = (): void => {
      this.#cancel(waiter);
    };
    const waiter: Waiter = {
      ...{ lane, cost, returns, admitted, admit, cancel },
      before: undefined,
      after: undefined,
      stage: "waiting",
    };
    return waiter;
  }

  #cancel(waiter: Waiter): void {
    const { stage } = waiter;
    waiter.stage = "cancelled";
    if (stage === "admitted") this.leave("failed", waiter.cost);
    if (stage !== "waiting") return;
    this.#line.leave(waiter);
    // The next may be cheaper; and when nobody is left, no timer may be.
    this.#serve(this.#now());
  }

  /** A limit that somebody waits for binds, however long ago the last one was let in. */
  #now(): number {
    const now = this.#clock.now();
    if (this.#line.length > 0) this.#adaptive.bound(now);
    return now;
  }
}

const known = new Set(["pacing", "maxInFlight", "clock"]);

function checked(options: GateOptions): { creditsPerSecond: number; maxInFlight: number } {
  if (!isObject(options)) throw badOption("gate", options, "an object");
  for (const [key, value] of Object.entries(options)) {
    if (!known.has(key))
      throw badOption(`gate.${key}`, value, `left out (there are ${[...known].join(", ")})`);
  }
  const { pacing, maxInFlight = Infinity } = options;
  if (pacing !== undefined && !isObject(pacing)) {
    throw badOption("gate.pacing", pacing, "an object with creditsPerSecond");
  }
  const creditsPerSecond = pacing === undefined ? Infinity : pacing.creditsPerSecond;
  if (typeof creditsPerSecond !== "number" || !(creditsPerSecond >= 1)) {
    throw badOption("gate.pacing.creditsPerSecond", creditsPerSecond, "a number, 1 or more");
  }
  if (maxInFlight !== Infinity && !(Number.isInteger(maxInFlight) && maxInFlight >= 1)) {
    throw badOption("gate.maxInFlight", maxInFlight, "a whole number, 1 or more, or Infinity");
  }
  return { creditsPerSecond, maxInFlight };
}
