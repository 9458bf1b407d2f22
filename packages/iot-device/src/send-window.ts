import type { Clock, Gate, GateOptions, GateOutcome, GateState, GateWait, Lane } from "@holdfast/core";
import { WindowSize } from "./window-size.ts";

interface SendWindowOptions {
  readonly clock: Clock;
  /** How much longer than usual is late, in milliseconds; Infinity: there is no window. */
  readonly lateAcknowledgementMs: number;
}

/** One who waits for a place on the connection, and then perhaps at the hub's gate. */
interface Waiter extends GateWait {
  readonly lane: Lane;
  readonly cost: number;
  readonly returns: boolean;
  readonly admit: () => void;
  /** At the hub's gate; undefined before, and when that was open. */
  beyond?: GateWait | undefined;
  stage: "waiting" | "beyond" | "admitted" | "cancelled";
}

/**
 * One device's gate before the one that all devices of the process share: lets in as many sends at once as come back in time
 * (see {@link WindowSize}).
 */
export class SendWindow implements Gate {
  readonly #hub: Gate;
  readonly #clock: Clock;
  readonly #size: WindowSize;
  readonly #isOpen: boolean;
  #inFlight = 0;
  /** Who waits, and before #head who did; those who have left are passed over. */
  #line: Waiter[] = [];
  #head = 0;
  #waiting = 0;

  constructor(hub: Gate, { clock, lateAcknowledgementMs: lateMs }: SendWindowOptions) {
    this.#hub = hub;
    this.#clock = clock;
    this.#size = new WindowSize(lateMs);
    this.#isOpen = lateMs === Infinity;
  }

  get state(): GateState {
    const { creditsPerSecond, waiting } = this.#hub.state;
    return { creditsPerSecond, waiting: waiting + this.#waiting, inFlight: this.#inFlight };
  }

  /** How many may be under way. */
  get size(): number {
    return this.#isOpen ? Infinity : this.#size.size;
  }

  /** The hub acknowledged what was sent at this time. */
  acknowledged(sentAt: number): void {
    if (this.#isOpen) return;
    this.#size.acknowledged(sentAt, this.#clock.now(), this.#inFlight, this.#waiting > 0);
  }

  enter(lane: Lane, cost: number, returns = false): GateWait | undefined {
    if (this.#waiting > 0 || this.#inFlight >= this.size) return this.#join(lane, cost, returns);
    const wait = this.#hub.enter(lane, cost, returns);
    this.#inFlight += 1;
    if (wait === undefined) return undefined;
    return {
      admitted: wait.admitted,
      cancel: () => {
        wait.cancel();
        this.#free();
      },
    };
  }

  leave(outcome: GateOutcome, cost: number): void {
    this.#hub.leave(outcome, cost);
    this.#free();
  }

  restrict(options: GateOptions): void {
    this.#hub.restrict(options);
  }

  #join(lane: Lane, cost: number, returns: boolean): GateWait {
    let admit = (): void => undefined;
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    const waiter: Waiter = {
      ...{ lane, cost, returns, admitted, admit, stage: "waiting" },
      cancel: () => {
        this.#cancel(waiter);
      },
    };
    // Who was sent back has waited already.
    if (!returns) this.#line.push(waiter);
    else if (this.#head > 0) this.#line[(this.#head -= 1)] = waiter;
    else this.#line.unshift(waiter);
    this.#waiting += 1;
    return waiter;
  }

  #free(): void {
    this.#inFlight -= 1;
    while (this.#waiting > 0 && this.#inFlight < this.size) {
      const waiter = this.#line[this.#head];
      this.#head += 1;
      if (waiter?.stage !== "waiting") continue;
      this.#waiting -= 1;
      this.#inFlight += 1;
      this.#pass(waiter);
    }
    if (this.#line.length === 0) return;
    // Moved up now and then, because moving up for each would take time with their number.
    if (this.#waiting > 0 && (this.#head < 1_000 || this.#head * 2 < this.#line.length)) return;
    this.#line = this.#waiting > 0 ? this.#line.slice(this.#head) : [];
    this.#head = 0;
  }

  #pass(waiter: Waiter): void {
    const beyond = this.#hub.enter(waiter.lane, waiter.cost, waiter.returns);
    waiter.beyond = beyond;
    waiter.stage = beyond === undefined ? "admitted" : "beyond";
    if (beyond === undefined) waiter.admit();
    else void beyond.admitted.then(waiter.admit);
  }

  #cancel(waiter: Waiter): void {
    const { stage } = waiter;
    waiter.stage = "cancelled";
    if (stage === "waiting") this.#waiting -= 1;
    if (stage === "beyond") waiter.beyond?.cancel();
    if (stage === "admitted") this.#hub.leave("failed", waiter.cost);
    if (stage === "beyond" || stage === "admitted") this.#free();
  }
}
