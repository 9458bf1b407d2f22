import { lanes, type Lane } from "./lane.ts";

/** Somebody in a {@link WaitingLine}; the links belong to the line. */
export interface Place {
  readonly lane: Lane;
  /** Whether it has been through and was sent back: then it goes before those who come for the first time. */
  readonly returns: boolean;
  before: Place | undefined;
  after: Place | undefined;
}

interface Queue<P extends Place> {
  first: P | undefined;
  last: P | undefined;
}

/** Those who come back, and those who come for the first time. */
interface Queues<P extends Place> {
  readonly returning: Queue<P>;
  readonly fresh: Queue<P>;
}

/** Waiters by lane; within each first those who come back, each in the order of arrival. Joining, leaving and finding the next take constant time. */
export class WaitingLine<P extends Place> {
  readonly #queues: Readonly<Record<Lane, Queues<P>>> = {
    renewal: queues(),
    settlement: queues(),
    send: queues(),
    administration: queues(),
  };
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Who is to be served next: the longest waiting of the first lane that has anybody. */
  get next(): P | undefined {
    if (this.#length === 0) return undefined;
    for (const lane of lanes) {
      const { returning, fresh } = this.#queues[lane];
      const next = returning.first ?? fresh.first;
      if (next !== undefined) return next;
    }
    return undefined;
  }

  join(place: P): void {
    const queue = this.#queueOf(place);
    place.before = queue.last;
    if (queue.last === undefined) queue.first = place;
    else queue.last.after = place;
    queue.last = place;
    this.#length += 1;
  }

  /** For one who is in the line; anybody may leave at any time. */
  leave(place: P): void {
    const queue = this.#queueOf(place);
    const { before, after } = place as { before: P | undefined; after: P | undefined };
    if (before === undefined) queue.first = after;
    else before.after = after;
    if (after === undefined) queue.last = before;
    else after.before = before;
    place.before = undefined;
    place.after = undefined;
    this.#length -= 1;
  }

  #queueOf({ lane, returns }: P): Queue<P> {
    const { returning, fresh } = this.#queues[lane];
    return returns ? returning : fresh;
  }
}

function queues<P extends Place>(): Queues<P> {
  const empty = { first: undefined, last: undefined };
  return { returning: { ...empty }, fresh: { ...empty } };
}
