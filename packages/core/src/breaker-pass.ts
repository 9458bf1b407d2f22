import type { Breaker, BreakerRefusal } from "./breaker.ts";
import type { Fault, FaultKind } from "./fault.ts";
import { HoldfastError } from "./holdfast-error.ts";

/** Faults after which it is open whether the service works at all; others are its answer. */
const breaking: ReadonlySet<FaultKind> = new Set(["transient", "timeout", "disconnected", "unknown"]);

/** One call's way past a circuit breaker. */
export class BreakerPass {
  readonly #breaker: Breaker;
  #pass: number | undefined;
  #refusal: BreakerRefusal | undefined;

  constructor(breaker: Breaker) {
    this.#breaker = breaker;
  }

  /** What it was refused for, when it was. */
  get refusal(): BreakerRefusal | undefined {
    return this.#refusal;
  }

  /** @throws HoldfastError `breaker-open`. */
  enter(operation: string, target: string): void {
    const passed = this.#breaker.enter();
    if (typeof passed === "object") {
      this.#refusal = passed;
      const text = `${operation} (${target}) was not tried: it kept failing, and is tried again in ${String(Math.ceil(passed.retryInMs))} ms.`;
      throw new HoldfastError("breaker-open", text, { cause: passed.error });
    }
    this.#pass = passed;
  }

  succeeded(): void {
    if (this.#pass !== undefined) this.#breaker.leave(this.#pass, undefined);
  }

  failed(fault: Fault | undefined, error: unknown): void {
    if (this.#pass === undefined) return;
    if (fault === undefined || fault.kind === "cancelled") this.#breaker.forget(this.#pass);
    else this.#breaker.leave(this.#pass, breaking.has(fault.kind) ? { fault, error } : undefined);
  }
}
