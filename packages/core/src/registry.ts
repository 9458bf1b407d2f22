import { systemClock, type Clock } from "./clock.ts";

/** One thing per key in the whole process. */
export interface Registry<T> {
  /** What stands under `key` in that clock's time, made by `make` when there is nothing yet. */
  get(key: string, clock: Clock | undefined, make: () => T): T;
}

interface Shelves<T> {
  readonly system: Map<string, T>;
  /** Things on a test's clock must not meet those of another test, or of real time. */
  readonly others: WeakMap<Clock, Map<string, T>>;
}

/**
 * A registry that two installed copies of this package, or its ESM and CommonJS builds side by side, share: it stands
 * behind `Symbol.for("holdfast/1/<name>")`, where the 1 is the version of what the things in it can do.
 */
export function registry<T>(name: string): Registry<T> {
  const symbol = Symbol.for(`holdfast/1/${name}`);
  const places = globalThis as unknown as Record<symbol, Shelves<T> | undefined>;
  const shelves: Shelves<T> = (places[symbol] ??= { system: new Map(), others: new WeakMap() });
  return {
    get(key, clock, make) {
      const shelf = shelfFor(shelves, clock);
      let thing = shelf.get(key);
      if (thing === undefined) {
        thing = make();
        shelf.set(key, thing);
      }
      return thing;
    },
  };
}

function shelfFor<T>(shelves: Shelves<T>, clock: Clock | undefined): Map<string, T> {
  // Each copy of this package has a systemClock of its own; all of them are real time.
  if (clock === undefined || clock === systemClock) return shelves.system;
  let shelf = shelves.others.get(clock);
  if (shelf === undefined) {
    shelf = new Map();
    shelves.others.set(clock, shelf);
  }
  return shelf;
}
