import { rememberFailure, type Classify, type Clock, type Failure } from "@holdfast/core";

/** Lets `failureOf()` know about an error that ended a single call, unless more is known about it already. */
export class FailureNotes {
  readonly #classify: Classify;
  readonly #clock: Clock;

  constructor(classify: Classify, clock: Clock) {
    this.#classify = classify;
    this.#clock = clock;
  }

  /** @param sent - whether the call had left when it failed. */
  note(error: unknown, sent: boolean, elapsedMs: number): void {
    const fault = this.#classify(error, this.#clock.wallNow());
    const { kind, service, code, id, because, remedy, see, missingClaim, trackingId } = fault;
    const outcome = sent && fault.sent === "maybe" ? "unknown" : "rejected";
    const failure: Failure = {
      ...{ kind, service, code, id, because, remedy, see, missingClaim, trackingId },
      ...{ reason: "permanent", outcome, attempts: [], elapsedMs },
    };
    rememberFailure(error, failure);
  }
}
