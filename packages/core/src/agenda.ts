import type { Clock } from "./clock.ts";

// Coarse enough that thousands of things share a timer, fine enough for a lock of five seconds.
const tickMs = 50;

/** What an agenda keeps on its items: where they stand on it. */
export interface AgendaItem {
  tick: number | undefined;
}

/**
 * Things to be done at a time, with one timer for all of them: a lock is put down and taken off for every message, mostly
 * within milliseconds, and a timer each would cost more than the rest of keeping it. Never early, up to 50 ms late.
 */
export class Agenda<T extends AgendaItem> {
  readonly #clock: Clock;
  readonly #due: (item: T) => void;
  readonly #ticks = new Map<number, Set<T>>();
  #size = 0;
  #alarm: { readonly tick: number; readonly stop: () => void } | undefined;

  /** @param due - called once for each item whose time has come; it is off the agenda by then. */
  constructor(clock: Clock, due: (item: T) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts an item down for `at` milliseconds of the clock, in place of an earlier entry. */
  set(item: T, at: number): void {
    this.delete(item);
    if (at === Infinity) return;
    const tick = Math.ceil(at / tickMs);
    const others = this.#ticks.get(tick);
    if (others === undefined) this.#ticks.set(tick, new Set([item]));
    else others.add(item);
    item.tick = tick;
    this.#size += 1;
    if (this.#alarm === undefined || tick < this.#alarm.tick) this.#wakeAt(tick);
  }

  delete(item: T): void {
    const { tick } = item;
    if (tick === undefined) return;
    item.tick = undefined;
    this.#size -= 1;
    const others = this.#ticks.get(tick);
    others?.delete(item);
    if (others?.size === 0) this.#ticks.delete(tick);
    if (this.#size === 0) this.#stopAlarm();
  }

  clear(): void {
    for (const items of this.#ticks.values()) for (const item of items) item.tick = undefined;
    this.#ticks.clear();
    this.#size = 0;
    this.#stopAlarm();
  }

  #wakeAt(tick: number): void {
    this.#alarm?.stop();
    const stop = this.#clock.after(Math.max(0, tick * tickMs - this.#clock.now()), () => {
      this.#alarm = undefined;
      this.#wake();
    });
    this.#alarm = { tick, stop };
  }

  #wake(): void {
    const now = Math.floor(this.#clock.now() / tickMs);
    const due: T[] = [];
    let next = Infinity;
    for (const [tick, items] of this.#ticks) {
      if (tick <= now) due.push(...items);
      else next = Math.min(next, tick);
    }
    // What is done about one may take another off the agenda, or put it down again.
    const isStillDue = (item: T): boolean => (item.tick ?? Infinity) <= now;
    for (const item of due) {
      if (!isStillDue(item)) continue;
      this.delete(item);
      this.#due(item);
    }
    const alarm = this.#alarm as { readonly tick: number } | undefined;
    if (this.#size > 0 && (alarm === undefined || next < alarm.tick) && next !== Infinity) {
      this.#wakeAt(next);
    }
  }

  #stopAlarm(): void {
    this.#alarm?.stop();
    this.#alarm = undefined;
  }
}
