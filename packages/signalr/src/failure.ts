import { failureOf, rememberFailure, type Classify, type Clock } from "@holdfast/core";

/**
 * Lets `failureOf()` know about an error that ends a single call. Nothing is noted about one that is known already: what
 * ended the connection ends its calls too.
 *
 * @param outcome - left out: what the fault table says of it.
 */
export type Note = (error: unknown, outcome?: "rejected" | "unknown") => void;

export function noteBy(classify: Classify, clock: Clock): Note {
  return (error, outcome) => {
    if (failureOf(error) !== undefined) return;
    const { hintMs: _, sent, ...known } = classify(error, clock.wallNow());
    const said = sent === "maybe" ? "unknown" : "rejected";
    rememberFailure(error, {
      ...known,
      reason: "permanent",
      outcome: outcome ?? said,
      attempts: [],
      elapsedMs: 0,
    });
  };
}
