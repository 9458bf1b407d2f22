import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** What credentials give: the shape of `AccessToken` in `@azure/core-auth`. */
export interface AccessTokenLike {
  readonly token: string;
  /** When it ends, in milliseconds since the Unix epoch, by the issuer's clock. */
  readonly expiresOnTimestamp: number;
  /** When the issuer would like to be asked for the next, in milliseconds since the Unix epoch. */
  readonly refreshAfterTimestamp?: number | undefined;
}

/** When a token is to be renewed, and when it ends. */
export interface TokenLife {
  /** By the monotonic clock: a corrected wall clock lengthens no token. */
  readonly endsAt: number;
  /** By the wall clock: the monotonic one stands still while the machine sleeps. */
  readonly endsOn: number;
  /** A new one is fetched beside the work when no more than this remains, in milliseconds. */
  readonly renewBelowMs: number;
  /** A new one is waited for when no more than this remains, in milliseconds. */
  readonly awaitBelowMs: number;
}

/**
 * - `fresh`: used as it is.
 * - `due`: used, while a new one is fetched beside it.
 * - `ending`: a new one is waited for; used when there is none.
 * - `ended`: of no use.
 */
export type TokenPhase = "fresh" | "due" | "ending" | "ended";

// Without the issuer's wish a token is renewed in the last 20 to 40 % of its life: a fleet that was started together is
// spread over a fifth of it, and an outage of the issuer has the rest to pass.
const leastShare = 0.2;
const mostShare = 0.4;
// With it, within the first fifth of what then remains.
const spreadShare = 0.2;

/** @param awaitMs - the most for {@link TokenLife.awaitBelowMs}; half the token's life when that is less. */
export function lifeOf(token: AccessTokenLike, clock: Clock, random: Random, awaitMs: number): TokenLife {
  const { expiresOnTimestamp, refreshAfterTimestamp } = token;
  const lifeMs = Math.max(0, expiresOnTimestamp - clock.wallNow());
  const wishedMs = refreshAfterTimestamp === undefined ? NaN : expiresOnTimestamp - refreshAfterTimestamp;
  // A wish before the token's beginning, or after its end, is none.
  const renewBelowMs =
    wishedMs > 0 && wishedMs < lifeMs
      ? wishedMs * (1 - spreadShare * random())
      : lifeMs * (leastShare + (mostShare - leastShare) * random());
  return {
    endsAt: clock.now() + lifeMs,
    endsOn: expiresOnTimestamp,
    renewBelowMs,
    awaitBelowMs: Math.min(awaitMs, lifeMs / 2),
  };
}

/** How long the token is good for, in milliseconds, by whichever clock says less; negative once it has ended. */
export function remainingMs({ endsAt, endsOn }: TokenLife, clock: Clock): number {
  return Math.min(endsAt - clock.now(), endsOn - clock.wallNow());
}

export function phaseOf(life: TokenLife, clock: Clock): TokenPhase {
  const leftMs = remainingMs(life, clock);
  // Also for a time that is no number: then nothing is known about the token.
  if (!(leftMs > 0)) return "ended";
  if (leftMs <= life.awaitBelowMs) return "ending";
  return leftMs <= life.renewBelowMs ? "due" : "fresh";
}
