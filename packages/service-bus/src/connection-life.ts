import type { Clock, Random } from "@holdfast/core";

// A connection makes room in the last tenth to fifth of its first token's life: before the official client would renew it
// (two minutes before the end; 45 of 60 minutes for keys), which it tries once and never again (azure-sdk-for-js#38467).
const leastShare = 0.1;
const mostShare = 0.2;
const leastMs = 150_000;

// After a renewal that brought nothing newer, in milliseconds.
const restMs = 30_000;

/** `lasting`: the tokens on it are good. `due`: a newer one would be welcome. `over`: one of them ends, or has. */
type Phase = "lasting" | "due" | "over";

/**
 * How long the tokens that one connection was given are good. Nothing but times that are compared when the connection is
 * used: no timer that could stick or keep a process alive.
 */
export class ConnectionLife {
  readonly #clock: Clock;
  readonly #random: Random;
  #endsAt = Infinity;
  #dueAt = Infinity;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A token was handed to the connection that is good for so long. The first one to end counts. */
  handed(validForMs: number): void {
    const now = this.#clock.now();
    if (now + validForMs >= this.#endsAt) return;
    const share = leastShare + (mostShare - leastShare) * this.#random();
    const marginMs = Math.min(validForMs / 2, Math.max(validForMs * share, leastMs));
    this.#endsAt = now + validForMs;
    this.#dueAt = this.#endsAt - marginMs;
  }

  /** @param now - by the clock: this is asked before every send. */
  phaseAt(now: number): Phase {
    if (now >= this.#endsAt) return "over";
    return now >= this.#dueAt ? "due" : "lasting";
  }

  /** How long the tokens are good still, in milliseconds. */
  get leftMs(): number {
    return this.#endsAt - this.#clock.now();
  }

  /** Nothing newer is to be had at the moment. */
  rest(): void {
    this.#dueAt = this.#clock.now() + restMs * (0.5 + this.#random() / 2);
  }
}
