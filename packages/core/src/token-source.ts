import { abortErrorOf, onAbort, type AbortSignalLike } from "./abort.ts";
import type { Clock } from "./clock.ts";
import { emit, type EventListener } from "./events.ts";
import type { Classify } from "./fault-table.ts";
import { summaryOf } from "./fault-summary.ts";
import { badOption, HoldfastError } from "./holdfast-error.ts";
import type { Policy } from "./policy.ts";
import type { Random } from "./random.ts";
import { run } from "./run.ts";
import { lifeOf, phaseOf, remainingMs, type AccessTokenLike, type TokenLife } from "./token-life.ts";

/** What a caller may say about the token it wants: the shape of `GetTokenOptions` in `@azure/core-auth`. */
export interface TokenRequestLike {
  readonly abortSignal?: AbortSignalLike;
  /** A challenge: the token in use was revoked, and the next one must answer this. */
  readonly claims?: string;
  readonly tenantId?: string;
  readonly enableCae?: boolean;
}

/** What a {@link TokenSource} works with. */
export interface TokenSourceOptions<T extends AccessTokenLike, O extends TokenRequestLike> {
  /** The credential's own `getToken`. Its signal is the source's: it aborts when nobody waits any more. */
  readonly getToken: (scopes: string | string[], options: O) => Promise<T | null>;
  /** The policy key, for events. Default `identity.getToken`. */
  readonly operation?: string;
  /** The policy in force; asked at each request. */
  readonly policy: () => Policy;
  readonly classify: Classify;
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent?: EventListener | undefined;
  /** With less left than this, a caller waits for the new token, in milliseconds. Default 300 000; half a token's life when that is less. */
  readonly awaitBelowMs?: number;
  /** How long a caller waits for it while the old one is still good, in milliseconds. Default 10 000. */
  readonly patienceMs?: number;
}

/** The tokens for one set of scopes. */
interface Shelf<T> {
  /** The scopes, for events. */
  readonly target: string;
  token: T | undefined;
  life: TokenLife | undefined;
  /** When a refresh beside the work may be tried again after one that failed, by `clock.now()`. */
  notBefore: number;
  readonly flights: Map<string, Flight<T>>;
}

/** One request for everybody who needs its answer. */
interface Flight<T> {
  readonly done: Promise<T | null>;
  readonly abort: AbortController;
  waiting: number;
}

// After a refresh beside the work has failed under its whole policy: half of this to all of it, in milliseconds.
const restMs = 60_000;

/**
 * `getToken()` made resilient: repeated under a policy, one request for everybody who asks for the same, refreshed early
 * and at random while the old token serves, which goes on serving while the refresh fails. An error is remembered for
 * nobody, and a caller's abort ends that caller's wait only. It knows the shape of a credential and no SDK.
 */
export class TokenSource<
  T extends AccessTokenLike = AccessTokenLike,
  O extends TokenRequestLike = TokenRequestLike,
> {
  readonly #options: TokenSourceOptions<T, O>;
  readonly #awaitBelowMs: number;
  readonly #patienceMs: number;
  readonly #shelves = new Map<string, Shelf<T>>();
  #isClosed = false;

  /** @throws HoldfastError `misconfigured`, naming the option, the value and the allowed range. */
  constructor(options: TokenSourceOptions<T, O>) {
    this.#options = options;
    this.#awaitBelowMs = duration("awaitBelowMs", options.awaitBelowMs ?? 300_000);
    this.#patienceMs = duration("patienceMs", options.patienceMs ?? 10_000);
  }

  /**
   * A token that is good now.
   *
   * @throws the credential's own error once the policy gives up and no token is left; an `AbortError` within milliseconds
   * of the caller's abort.
   */
  async getToken(scopes: string | readonly string[], options?: O): Promise<T | null> {
    if (this.#isClosed) throw new HoldfastError("closed", "The token source was closed.");
    const signal = options?.abortSignal;
    if (signal?.aborted === true) throw abortErrorOf(signal);
    const shelf = this.#shelfFor(scopes, options);
    // What the token in use was refused for is no reason to hand it out again.
    if (options?.claims !== undefined) return this.#join(shelf, this.#flight(shelf, scopes, options), signal);
    const { token, life } = shelf;
    if (token === undefined || life === undefined)
      return this.#join(shelf, this.#flight(shelf, scopes, options), signal);
    switch (phaseOf(life, this.#options.clock)) {
      case "fresh":
        return token;
      case "due":
        this.#refreshBeside(shelf, scopes, options);
        return token;
      case "ending":
        return this.#join(shelf, this.#flight(shelf, scopes, options), signal, { token, life });
      case "ended":
        return this.#join(shelf, this.#flight(shelf, scopes, options), signal);
    }
  }

  /**
   * A new token, whatever the present one is good for: the request is the one under way, if there is one. The present one
   * goes on serving meanwhile, and when it fails.
   *
   * @throws as {@link getToken}.
   */
  async renew(scopes: string | readonly string[], options?: O): Promise<T | null> {
    if (this.#isClosed) throw new HoldfastError("closed", "The token source was closed.");
    const shelf = this.#shelfFor(scopes, options);
    return this.#join(shelf, this.#flight(shelf, scopes, options), options?.abortSignal);
  }

  /** The service refused a token: it is handed out no more. Without one, none is. */
  forget(token?: string): void {
    for (const shelf of this.#shelves.values()) {
      if (token !== undefined && shelf.token?.token !== token) continue;
      shelf.token = undefined;
      shelf.life = undefined;
    }
  }

  /** Ends requests under way and forgets every token. */
  close(): void {
    this.#isClosed = true;
    for (const { flights } of this.#shelves.values()) for (const { abort } of flights.values()) abort.abort();
    this.#shelves.clear();
  }

  #shelfFor(scopes: string | readonly string[], options: O | undefined): Shelf<T> {
    const wanted = typeof scopes === "string" ? [scopes] : [...scopes].sort();
    const key = JSON.stringify([wanted, options?.tenantId ?? "", options?.enableCae ?? false]);
    let shelf = this.#shelves.get(key);
    if (shelf === undefined) {
      shelf = {
        ...{ target: wanted.join(" "), token: undefined, life: undefined },
        ...{ notBefore: -Infinity, flights: new Map<string, Flight<T>>() },
      };
      this.#shelves.set(key, shelf);
    }
    return shelf;
  }

  #flight(shelf: Shelf<T>, scopes: string | readonly string[], options: O | undefined): Flight<T> {
    const key = options?.claims ?? "";
    const underWay = shelf.flights.get(key);
    if (underWay !== undefined && !underWay.abort.signal.aborted) return underWay;
    const abort = new AbortController();
    const flight: Flight<T> = {
      done: this.#request(shelf, scopes, options, abort.signal),
      abort,
      waiting: 0,
    };
    shelf.flights.set(key, flight);
    const over = (): void => {
      if (shelf.flights.get(key) === flight) shelf.flights.delete(key);
    };
    flight.done.then(over, over);
    return flight;
  }

  async #request(
    shelf: Shelf<T>,
    scopes: string | readonly string[],
    options: O | undefined,
    signal: AbortSignal,
  ): Promise<T | null> {
    const {
      getToken,
      policy,
      classify,
      clock,
      random,
      onEvent,
      operation = "identity.getToken",
    } = this.#options;
    const { target } = shelf;
    const wanted = typeof scopes === "string" ? scopes : [...scopes];
    const token = await run(
      (attempt) => getToken(wanted, { ...options, abortSignal: attempt.signal } as unknown as O),
      { ...{ operation, target, classify, clock, random, onEvent, signal }, policy: policy() },
    );
    if (token === null) return token;
    const life = lifeOf(token, clock, random, this.#awaitBelowMs);
    const validForMs = Math.round(remainingMs(life, clock));
    emit(onEvent, { type: "token-refreshed", operation, target, validForMs });
    // One that has ended by our clock is not kept for the next, but handed out: the clock may be wrong.
    shelf.token = token;
    shelf.life = life;
    return token;
  }

  #refreshBeside(shelf: Shelf<T>, scopes: string | readonly string[], options: O | undefined): void {
    const { clock, random } = this.#options;
    if (clock.now() < shelf.notBefore) return;
    const flight = this.#flight(shelf, scopes, options);
    // It counts as somebody who waits: the next caller's abort must not end it.
    flight.waiting += 1;
    flight.done.catch(() => {
      shelf.notBefore = clock.now() + restMs * (0.5 + random() / 2);
    });
  }

  /** Waits for the answer; for a while only when the present token is good until then. */
  #join(
    shelf: Shelf<T>,
    flight: Flight<T>,
    signal: AbortSignalLike | undefined,
    present?: { readonly token: T; readonly life: TokenLife },
  ): Promise<T | null> {
    const { clock } = this.#options;
    flight.waiting += 1;
    return new Promise<T | null>((resolve, reject) => {
      let stopTimer: (() => void) | undefined;
      const stop = (): void => {
        stopTimer?.();
        stopListening();
      };
      const stopListening = onAbort(signal, () => {
        stop();
        flight.waiting -= 1;
        if (flight.waiting === 0) flight.abort.abort();
        reject(abortErrorOf(signal as AbortSignalLike));
      });
      let isKept = false;
      const keep = ({ token, life }: NonNullable<typeof present>, error?: unknown): void => {
        if (!isKept) this.#tellKept(shelf, life, error);
        isKept = true;
        resolve(token);
      };
      if (present !== undefined) {
        // Half of what is left: whoever gets the old token needs time to use it.
        const patienceMs = Math.min(this.#patienceMs, remainingMs(present.life, clock) / 2);
        stopTimer = clock.after(patienceMs, () => {
          stopListening();
          // The request goes on beside the work, so whoever began it stays counted.
          keep(present);
        });
      }
      flight.done.then(
        (token) => {
          stop();
          resolve(token);
        },
        (error: unknown) => {
          stop();
          if (present !== undefined) keep(present, error);
          else reject(error);
        },
      );
    });
  }

  #tellKept({ target }: Shelf<T>, life: TokenLife, error: unknown): void {
    const { onEvent, clock, classify, operation = "identity.getToken" } = this.#options;
    const validForMs = Math.round(remainingMs(life, clock));
    const why = error === undefined ? {} : { fault: summaryOf(classify(error, clock.wallNow()), error) };
    emit(onEvent, { type: "token-kept", operation, target, validForMs, ...why });
  }
}

function duration(name: string, ms: number): number {
  if (typeof ms === "number" && ms >= 0 && ms !== Infinity) return ms;
  throw badOption(`token.${name}`, ms, "a finite number of milliseconds, 0 or more");
}
