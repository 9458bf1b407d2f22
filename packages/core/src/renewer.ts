import type { AbortSignalLike } from "./abort.ts";
import { Agenda, type AgendaItem } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import { LightSignal } from "./light-signal.ts";
import type { Random } from "./random.ts";

/** How the keeping of something ended, other than by `release`. */
export interface KeepingEnded {
  /** `refused`: a renewal was refused for good. `expired`: it ran out before a renewal came through. */
  readonly reason: "refused" | "expired";
  /** Of the latest renewal, if one failed. */
  readonly error: unknown;
}

/** What a {@link Renewer} does, and whom it tells. */
export interface RenewerOptions<T> {
  /**
   * Renews once, with all repetitions that this takes. Resolves with the milliseconds that the thing lives from the call
   * on. The signal aborts when it was released or has run out.
   */
  readonly renew: (thing: T, signal: AbortSignalLike) => Promise<number>;
  /** Whether an error of `renew` means that the thing is gone; after any other it is tried again until it has run out. */
  readonly isFinal: (error: unknown) => boolean;
  /** It was kept for as long as it was to be, and will run out by itself; `ended` follows then. */
  readonly limited: (thing: T, keptMs: number) => void;
  readonly ended: (thing: T, end: KeepingEnded) => void;
  /** Renewals under way at once. */
  readonly maxInFlight: number;
  readonly clock: Clock;
  readonly random: Random;
}

// Long enough for several tries before the end, short enough that a long lock is not renewed all the time.
const longestMarginMs = 20_000;

/**
 * When to renew something that lives for `lifeMs` more milliseconds, counted from now: at half time, or 20 s before the end
 * if that is later, up to a quarter of the rest earlier at random, so that what was received together is not renewed together.
 */
export function renewAfter(lifeMs: number, random: Random): number {
  const marginMs = Math.min(lifeMs / 2, longestMarginMs);
  return Math.max(0, lifeMs - marginMs * (1 + random() / 4));
}

/** After a renewal that failed for now, with `lifeMs` milliseconds left: an eighth of the rest, at least 50 ms, at most 1 s. */
function repeatAfter(lifeMs: number): number {
  return Math.min(1_000, Math.max(50, lifeMs / 8));
}

type Stage =
  | { readonly name: "resting" }
  | { readonly name: "queued" }
  | { readonly name: "renewing"; readonly abort: LightSignal; readonly startedAt: number }
  | { readonly name: "limited" }
  | { readonly name: "over" };

const resting: Stage = { name: "resting" };
const queued: Stage = { name: "queued" };
const limited: Stage = { name: "limited" };
const over: Stage = { name: "over" };

/** That a thing is kept: what {@link Renewer.keep} gives, to end it by. */
export interface Keeping {
  /** When the thing runs out if nothing more is done about it, by the renewer's clock. */
  readonly expiresAt: number;
}

interface Kept<T> extends Keeping, AgendaItem {
  readonly thing: T;
  readonly since: number;
  /** When it is not renewed any more. */
  limitAt: number;
  expiresAt: number;
  stage: Stage;
  error: unknown;
}

/**
 * Keeps things alive (locks, sessions) by renewing each before it runs out, until it is released, refused, or has been kept
 * for as long as it should be. Time is the monotonic clock's: a life is a duration counted from the moment it was told.
 * A failed renewal does not end anything; only the end of the life does.
 */
export class Renewer<T> {
  readonly #options: RenewerOptions<T>;
  readonly #agenda: Agenda<Kept<T>>;
  #queue: Kept<T>[] = [];
  #inFlight = 0;

  constructor(options: RenewerOptions<T>) {
    this.#options = options;
    this.#agenda = new Agenda(options.clock, (kept) => {
      this.#due(kept);
    });
  }

  /** How many things are kept. */
  get size(): number {
    return this.#agenda.size;
  }

  /**
   * Begins to keep a thing.
   *
   * @param lifeMs - how long it lives from now on.
   * @param limitMs - how long it is kept at most; 0 means that it is only watched until it runs out.
   */
  keep(thing: T, lifeMs: number, limitMs: number): Keeping {
    const now = this.#options.clock.now();
    const kept: Kept<T> = {
      ...{ thing, since: now, limitAt: now + limitMs, expiresAt: now + lifeMs },
      ...{ stage: limitMs > 0 ? resting : limited, error: undefined, tick: 0, place: undefined },
    };
    this.#rest(kept, now + renewAfter(lifeMs, this.#options.random));
    return kept;
  }

  /** Keeps a thing for `limitMs` from now on, and not from when it began; also one that was kept for its time and still lives. */
  prolong(keeping: Keeping, limitMs: number): void {
    const kept = keeping as Kept<T>;
    kept.limitAt = Math.max(kept.limitAt, this.#options.clock.now() + limitMs);
    if (limitMs > 0 && kept.stage.name === "limited") this.#enqueue(kept);
  }

  /** Ends the keeping; nothing is heard of the thing any more. */
  release(keeping: Keeping): void {
    const kept = keeping as Kept<T>;
    const { stage } = kept;
    kept.stage = over;
    this.#agenda.delete(kept);
    if (stage.name === "renewing") stage.abort.abort();
  }

  /** Renews now: something happened that may have cost the thing its life. Nothing for what is not renewed any more. */
  verify(keeping: Keeping): void {
    const kept = keeping as Kept<T>;
    if (kept.stage.name === "resting") this.#enqueue(kept);
  }

  /** Releases everything. */
  close(): void {
    for (const kept of this.#agenda.values()) this.release(kept);
  }

  /** Puts the next thing to happen on the agenda. */
  #rest(kept: Kept<T>, renewAt: number): void {
    const at = kept.stage.name === "limited" ? kept.expiresAt : Math.min(renewAt, kept.limitAt);
    this.#agenda.set(kept, Math.min(at, kept.expiresAt));
  }

  #due(kept: Kept<T>): void {
    const { clock, limited: tellLimited, ended } = this.#options;
    const now = clock.now();
    if (now >= kept.expiresAt) {
      this.release(kept);
      ended(kept.thing, { reason: "expired", error: kept.error });
    } else if (kept.stage.name === "resting" && now >= kept.limitAt) {
      kept.stage = limited;
      this.#rest(kept, kept.expiresAt);
      tellLimited(kept.thing, now - kept.since);
    } else if (kept.stage.name === "resting") {
      // Prolonged, it may be on the agenda for the end of its former time.
      this.#enqueue(kept);
    } else {
      this.#agenda.set(kept, kept.expiresAt);
    }
  }

  #enqueue(kept: Kept<T>): void {
    kept.stage = queued;
    this.#agenda.set(kept, kept.expiresAt);
    this.#queue.push(kept);
    this.#serve();
  }

  #serve(): void {
    const { maxInFlight } = this.#options;
    let taken = 0;
    for (const kept of this.#queue) {
      if (this.#inFlight >= maxInFlight) break;
      taken += 1;
      if (kept.stage.name === "queued") this.#renew(kept);
    }
    if (taken > 0) this.#queue = this.#queue.slice(taken);
  }

  #renew(kept: Kept<T>): void {
    const stage = {
      name: "renewing",
      abort: new LightSignal(),
      startedAt: this.#options.clock.now(),
    } as const;
    kept.stage = stage;
    this.#inFlight += 1;
    void this.#ask(kept, stage);
  }

  async #ask(kept: Kept<T>, stage: Stage & { readonly name: "renewing" }): Promise<void> {
    // In a later turn of the promises: whoever keeps things may not be through with what made this one due.
    await Promise.resolve();
    try {
      const lifeMs = await this.#options.renew(kept.thing, stage.abort);
      if (kept.stage === stage) this.#renewed(kept, stage.startedAt + lifeMs);
    } catch (error) {
      if (kept.stage === stage) this.#failed(kept, error);
    }
    this.#inFlight -= 1;
    if (this.#queue.length > 0) this.#serve();
  }

  /** @param expiresAt - counted from the asking: the service renewed between it and its answer, so this is not too late. */
  #renewed(kept: Kept<T>, expiresAt: number): void {
    const { clock, random } = this.#options;
    kept.stage = resting;
    kept.error = undefined;
    kept.expiresAt = expiresAt;
    const now = clock.now();
    this.#rest(kept, now + renewAfter(expiresAt - now, random));
  }

  #failed(kept: Kept<T>, error: unknown): void {
    const { clock, isFinal, ended } = this.#options;
    kept.error = error;
    if (isFinal(error)) {
      this.release(kept);
      ended(kept.thing, { reason: "refused", error });
      return;
    }
    kept.stage = resting;
    const now = clock.now();
    this.#rest(kept, now + repeatAfter(kept.expiresAt - now));
  }
}
