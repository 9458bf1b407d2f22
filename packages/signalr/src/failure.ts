import { failureOf, rememberFailure, type Classify, type Clock } from "@holdfast/core";

/** Lets `failureOf()` know about errors that end single calls. */
export class FailureNotes {
  readonly #classify: Classify;
  readonly #clock: Clock;

  constructor(classify: Classify, clock: Clock) {
    this.#classify = classify;
    this.#clock = clock;
  }

  /**
   * Nothing is noted about an error that is known already: the one that ended the connection ends its calls too.
   *
   * @param outcome - left out: what the fault table says of it.
   */
  note(error: unknown, outcome?: "rejected" | "unknown"): void {
    if (failureOf(error) !== undefined) return;
    const { hintMs: _, sent, ...known } = this.#classify(error, this.#clock.wallNow());
    const said = sent === "maybe" ? "unknown" : "rejected";
    rememberFailure(error, {
      ...known,
      reason: "permanent",
      outcome: outcome ?? said,
      attempts: [],
      elapsedMs: 0,
    });
  }
}
