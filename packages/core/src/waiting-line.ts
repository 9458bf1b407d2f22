import { lanes, type Lane } from "./lane.ts";

/** Somebody in a {@link WaitingLine}; the links belong to the line. */
export interface Place {
  readonly lane: Lane;
  before: Place | undefined;
  after: Place | undefined;
}

interface Queue<P extends Place> {
  first: P | undefined;
  last: P | undefined;
}

/** Waiters by lane, in the order of arrival within each. Joining, leaving and finding the next take constant time. */
export class WaitingLine<P extends Place> {
  readonly #queues: Readonly<Record<Lane, Queue<P>>> = {
    renewal: { first: undefined, last: undefined },
    settlement: { first: undefined, last: undefined },
    send: { first: undefined, last: undefined },
    administration: { first: undefined, last: undefined },
  };
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Who is to be served next: the longest waiting of the first lane that has anybody. */
  get next(): P | undefined {
    if (this.#length === 0) return undefined;
    for (const lane of lanes) {
      const { first } = this.#queues[lane];
      if (first !== undefined) return first;
    }
    return undefined;
  }

  join(place: P): void {
    const queue = this.#queues[place.lane];
    place.before = queue.last;
    if (queue.last === undefined) queue.first = place;
    else queue.last.after = place;
    queue.last = place;
    this.#length += 1;
  }

  /** For one who is in the line; anybody may leave at any time. */
  leave(place: P): void {
    const queue = this.#queues[place.lane];
    const { before, after } = place as { before: P | undefined; after: P | undefined };
    if (before === undefined) queue.first = after;
    else before.after = after;
    if (after === undefined) queue.last = before;
    else after.before = before;
    place.before = undefined;
    place.after = undefined;
    this.#length -= 1;
  }
}
