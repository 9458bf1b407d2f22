import type { Clock, Gate, GateOptions, GateOutcome, GateState, GateWait, Lane } from "@holdfast/core";

/**
 * The gate for one operation that must not wait longer than so: a renewal that came too late is a lock lost, and a message
 * that is processed twice costs more than what the pace would have saved. It passes without a place then.
 */
export class HurriedGate implements Gate {
  readonly #gate: Gate;
  readonly #clock: Clock;
  readonly #longestWaitMs: () => number;
  #hasPlace = true;

  /** @param longestWaitMs - asked at each attempt: after a refusal there is less time than before. */
  constructor(gate: Gate, clock: Clock, longestWaitMs: () => number) {
    this.#gate = gate;
    this.#clock = clock;
    this.#longestWaitMs = longestWaitMs;
  }

  get state(): GateState {
    return this.#gate.state;
  }

  enter(lane: Lane, cost: number): GateWait | undefined {
    this.#hasPlace = true;
    const wait = this.#gate.enter(lane, cost);
    if (wait === undefined) return undefined;
    let stop = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      stop = this.#clock.after(Math.max(0, this.#longestWaitMs()), () => {
        this.#hasPlace = false;
        wait.cancel();
        resolve();
      });
    });
    const cancel = (): void => {
      stop();
      wait.cancel();
    };
    return { admitted: Promise.race([wait.admitted, late]).finally(stop), cancel };
  }

  leave(outcome: GateOutcome, cost: number): void {
    if (this.#hasPlace) this.#gate.leave(outcome, cost);
  }

  restrict(options: GateOptions): void {
    this.#gate.restrict(options);
  }
}
