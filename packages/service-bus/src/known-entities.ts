import type { Classify } from "@holdfast/core";

/** A process that uses more entities than this is not helped by a guess. */
const mostNames = 1_000;

/** Two slips of the keyboard; a name of which they are half could be any. */
const mostSlips = 2;

/**
 * Names of entities that a link of this process was opened to, by namespace: what a name that the service does not know may have
 * been meant for. Listing names would need the right to manage, which senders and receivers do not have.
 */
export class KnownEntities {
  readonly #names = new Map<string, string>();

  /** A link to it was opened. */
  add(entityPath: string): void {
    if (this.#names.size < mostNames) this.#names.set(entityPath.toLowerCase(), entityPath);
  }

  /** The name most like this one, if it is like it at all. */
  nearestTo(entityPath: string): string | undefined {
    const wanted = entityPath.toLowerCase();
    let best: string | undefined;
    let fewest = Math.min(mostSlips, (wanted.length - 1) / 2) + 1;
    for (const [name, shown] of this.#names) {
      if (Math.abs(name.length - wanted.length) >= fewest) continue;
      const slips = slipsBetween(wanted, name);
      if (slips === 0 || slips >= fewest) continue;
      best = shown;
      fewest = slips;
    }
    return best;
  }
}

const byNamespace = new Map<string, KnownEntities>();

/** Those of a namespace, for the whole process. */
export function knownEntities(namespace: string): KnownEntities {
  const known = byNamespace.get(namespace) ?? new KnownEntities();
  byNamespace.set(namespace, known);
  return known;
}

/** Adds to the advice on an entity that is not there the name of one that is, where they are nearly alike. */
export function withSuggestion(classify: Classify, known: KnownEntities): Classify {
  return (error, wallNowMs) => {
    const fault = classify(error, wallNowMs);
    if (fault.kind !== "not-found" || !(error instanceof Error)) return fault;
    const path = /messaging entity '(?:[a-z]+:\/\/[^/']+\/)?([^']+)' could not be found/i.exec(
      error.message,
    )?.[1];
    const nearest = path === undefined ? undefined : known.nearestTo(path);
    return nearest === undefined
      ? fault
      : { ...fault, remedy: `${fault.remedy}; "${nearest}" worked in this process a while ago` };
  };
}

/** How many letters were left out, added, replaced or exchanged with their neighbour: the restricted Damerau distance. */
function slipsBetween(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const now = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      const at = (line: readonly number[], place: number): number => line[place] ?? Infinity;
      now[column] = Math.min(
        at(last, column) + 1,
        at(now, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
        isSwapped ? at(before, column - 2) + 1 : Infinity,
      );
    }
    before = last;
    last = now;
  }
  return last[other.length] ?? Infinity;
}
