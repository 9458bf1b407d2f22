import { emit, type Clock } from "@holdfast/core";
import type { Receiving } from "./receiving.ts";

// After a link that was replaced for nothing: what waits may be locked by somebody else.
const longestMs = 600_000;
// What is shown may have been on its way.
const settleMs = 1_000;
const probeTimeoutMs = 5_000;

/** The subscription, as the watch sees it. */
export interface Watched {
  /** Whether messages could come: it has a link, and room for more. */
  isWaiting(): boolean;
  /** The link is deaf: another, please. */
  replace(): void;
}

/**
 * Finds a link that is connected but deaf: nothing has come for a while, there is room for messages, and the service shows
 * some that wait. It looks by peeking, which costs 10 credits each time; a replacement that brings nothing doubles the time to
 * the next look, up to ten minutes. A connection that does not answer the question is given up.
 */
export class StallWatch {
  readonly #receiving: Receiving;
  readonly #watched: Watched;
  readonly #afterMs: number;
  readonly #clock: Clock;
  #intervalMs: number;
  #lastAt: number;
  #stopTimer: (() => void) | undefined;
  #ended = false;

  /** @param afterMs - silence before it looks, in milliseconds; Infinity for never. */
  constructor(receiving: Receiving, watched: Watched, afterMs: number) {
    this.#receiving = receiving;
    this.#watched = watched;
    this.#afterMs = afterMs;
    this.#intervalMs = afterMs;
    this.#clock = receiving.resilience.clock;
    this.#lastAt = this.#clock.now();
    this.#wait(afterMs);
  }

  /** A message came. */
  heard(): void {
    this.#lastAt = this.#clock.now();
    this.#intervalMs = this.#afterMs;
  }

  end(): void {
    this.#ended = true;
    this.#stopTimer?.();
  }

  #wait(ms: number): void {
    if (this.#ended || ms === Infinity) return;
    this.#stopTimer = this.#clock.after(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    const silentMs = this.#clock.now() - this.#lastAt;
    if (!this.#watched.isWaiting() || silentMs < this.#intervalMs) {
      this.#wait(Math.max(this.#intervalMs - silentMs, Math.min(this.#intervalMs, settleMs)));
      return;
    }
    const askedAt = this.#clock.now();
    if (await this.#somethingWaits()) {
      await this.#pause();
      if (this.#lastAt < askedAt && this.#watched.isWaiting()) this.#stalled(askedAt);
    }
    this.#wait(this.#intervalMs);
  }

  #stalled(at: number): void {
    const { resilience, entityPath } = this.#receiving;
    const silentMs = at - this.#lastAt;
    emit(resilience.onEvent, {
      type: "stalled",
      operation: "serviceBus.subscribe",
      target: entityPath,
      silentMs,
    });
    this.#lastAt = this.#clock.now();
    this.#intervalMs = Math.min(longestMs, this.#intervalMs * 2);
    this.#watched.replace();
  }

  /** Whether the service shows an active message; a service that does not answer is as bad as a deaf link. */
  async #somethingWaits(): Promise<boolean> {
    try {
      return await this.#receiving.hasActiveMessages(probeTimeoutMs);
    } catch (error) {
      const { classify } = this.#receiving.resilience;
      return classify(error, this.#clock.wallNow()).kind === "timeout";
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#stopTimer = this.#clock.after(settleMs, resolve);
    });
  }
}
