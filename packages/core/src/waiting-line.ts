import { lanes, type Lane } from "./lane.ts";

/** Somebody in a {@link WaitingLine}; the links belong to the line. */
export interface Place {
  readonly lane: Lane;
  /** In credits. */
  readonly cost: number;
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

/**
 * So many credits go to others before each of those who wait behind: without an end, one workload's peak (a backlog that is
 * settled) would keep all others out. Renewals go first whatever happens, for what they come too late for is lost.
 */
const mostBefore = 4;

/** Waiters by lane; within each first those who come back, each in the order of arrival. Joining, leaving and finding the next take constant time. */
export class WaitingLine<P extends Place> {
  readonly #queues: Readonly<Record<Lane, Queues<P>>> = {
    renewal: queues(),
    settlement: queues(),
    send: queues(),
    administration: queues(),
  };
  #length = 0;
  /** Credits that went to others while somebody of the lane waited. */
  readonly #passed: Record<Lane, number> = { renewal: 0, settlement: 0, send: 0, administration: 0 };

  get length(): number {
    return this.#length;
  }

  /** Who is to be served next: the longest waiting of the first lane that has anybody, unless one behind has waited for his share. */
  get next(): P | undefined {
    if (this.#length === 0) return undefined;
    const firsts = lanes.map((lane) => this.#firstOf(lane)).filter((place) => place !== undefined);
    const [first] = firsts;
    if (first?.lane === "renewal") return first;
    return firsts.find(({ lane, cost }) => this.#passed[lane] >= mostBefore * Math.max(1, cost)) ?? first;
  }

  /** For the one who is served. */
  serve(place: P): void {
    this.leave(place);
    if (place.lane === "renewal") return;
    for (const lane of lanes) if (this.#firstOf(lane) !== undefined) this.#passed[lane] += place.cost;
    this.#passed[place.lane] = 0;
  }

  join(place: P): void {
    if (this.#firstOf(place.lane) === undefined) this.#passed[place.lane] = 0;
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

  #firstOf(lane: Lane): P | undefined {
    const { returning, fresh } = this.#queues[lane];
    return returning.first ?? fresh.first;
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
