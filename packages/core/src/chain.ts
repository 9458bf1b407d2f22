/**
 * Things in the order in which they came, each of which can leave at any time in constant time. Not a Set or a Map: what is
 * added to those and deleted thousands of times a second rehashes them all the time, and each table that one has left behind
 * keeps the next, with all that is in it, alive until a full collection. That was half of the processor time of a receiver.
 */
export class Chain<T> {
  #first: ChainLink<T> | undefined;
  #last: ChainLink<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Who came first of those who are here. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  /** Adds at the end; `leave()` of the result takes it out. */
  add(value: T): ChainLink<T> {
    const link = new ChainLink(value, this.#leave, this.#last);
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    this.#size += 1;
    return link;
  }

  /** All that are here now, whoever leaves while they are looked at. */
  values(): T[] {
    const values: T[] = [];
    for (let link = this.#first; link !== undefined; link = link.after) values.push(link.value);
    return values;
  }

  readonly #leave = (link: ChainLink<T>): void => {
    const { before, after } = link;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // One that has grown old and is not collected yet would keep its neighbours alive.
    link.before = undefined;
    link.after = undefined;
    this.#size -= 1;
  };
}

/** A place in a {@link Chain}. */
export class ChainLink<T> {
  readonly value: T;
  /** The neighbours are the chain's. */
  before: ChainLink<T> | undefined;
  after: ChainLink<T> | undefined = undefined;
  #leave: ((link: ChainLink<T>) => void) | undefined;

  constructor(value: T, leave: (link: ChainLink<T>) => void, before: ChainLink<T> | undefined) {
    this.value = value;
    this.#leave = leave;
    this.before = before;
  }

  /** Takes it out of its chain; nothing the second time. */
  leave(): void {
    const leave = this.#leave;
    this.#leave = undefined;
    leave?.(this);
  }
}
