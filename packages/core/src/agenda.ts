import { Chain } from "./chain.ts";
import type { Clock } from "./clock.ts";

// Coarse enough that thousands of things share a timer, fine enough for a lock of five seconds.
const tickMs = 50;

// Ticks that have emptied are left where they are, up to so many, or putting down and taking off one thing after another
// would grow and rehash the table all the time.
const mostEmptyTicks = 64;

/** What an agenda keeps on its items: where they stand on it. */
export interface AgendaItem {
  tick: number;
  place: { leave(): void } | undefined;
}

/**
 * Things to be done at a time, with one timer for all of them: a lock is put down and taken off for every message, mostly
 * within milliseconds, and a timer each would cost more than the rest of keeping it. Never early, up to 50 ms late.
 */
export class Agenda<T extends AgendaItem> {
  readonly #clock: Clock;
  readonly #due: (item: T) => void;
  readonly #ticks = new Map<number, Chain<T>>();
  #size = 0;
  /** All ticks up to this one have been dealt with. */
  #doneTick = -Infinity;
  #alarm: { readonly tick: number; readonly stop: () => void } | undefined;

  /** @param due - called once for each item whose time has come; it is off the agenda by then. */
  constructor(clock: Clock, due: (item: T) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#size;
  }

  /** How many ticks it has a place for, emptied ones included. */
  get ticks(): number {
    return this.#ticks.size;
  }

  /** Puts an item down for `at` milliseconds of the clock, in place of an earlier entry; for Infinity it only stands there. */
  set(item: T, at: number): void {
    // What is past is due with the next tick.
    const tick = Math.max(Math.ceil(at / tickMs), this.#doneTick + 1);
    if (item.place !== undefined) {
      if (item.tick === tick) return;
      item.place.leave();
      this.#size -= 1;
    }
    let others = this.#ticks.get(tick);
    if (others === undefined) {
      others = new Chain();
      this.#ticks.set(tick, others);
    }
    item.tick = tick;
    item.place = others.add(item);
    this.#size += 1;
    if (tick !== Infinity && (this.#alarm === undefined || tick < this.#alarm.tick)) this.#wakeAt(tick);
  }

  delete(item: T): void {
    if (item.place === undefined) return;
    item.place.leave();
    item.place = undefined;
    this.#size -= 1;
    if (this.#size > 0) return;
    this.#stopAlarm();
    if (this.#ticks.size > mostEmptyTicks) this.#ticks.clear();
  }

  /** Everything on it, in no order. */
  values(): T[] {
    return [...this.#ticks.values()].flatMap((items) => items.values());
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
    for (let tick = this.#next(); tick <= now && this.#size > 0; tick = this.#next()) {
      const items = this.#ticks.get(tick);
      this.#doneTick = tick;
      this.#ticks.delete(tick);
      // What is done about one may take another off the agenda, or put it down again.
      for (let item = items?.first; item !== undefined; item = items?.first) {
        this.delete(item);
        this.#due(item);
      }
    }
    this.#doneTick = Math.max(this.#doneTick, now);
    if (this.#ticks.size > mostEmptyTicks) this.#forgetPast();
    if (this.#size === 0) return;
    const next = this.#next();
    if (next !== Infinity && (this.#alarm === undefined || next < this.#alarm.tick)) this.#wakeAt(next);
  }

  /** While it is never empty, nothing else takes away the ticks that emptied before their time came. */
  #forgetPast(): void {
    for (const tick of this.#ticks.keys()) if (tick <= this.#doneTick) this.#ticks.delete(tick);
  }

  /** The first tick that has anything on it. */
  #next(): number {
    // While there is much to do, it is among the next few.
    const from = this.#doneTick + 1;
    for (let tick = from; tick < from + this.#ticks.size; tick += 1) if (this.#has(tick)) return tick;
    let next = Infinity;
    for (const tick of this.#ticks.keys()) if (tick < next && this.#has(tick)) next = tick;
    return next;
  }

  #has(tick: number): boolean {
    return (this.#ticks.get(tick)?.size ?? 0) > 0;
  }

  #stopAlarm(): void {
    this.#alarm?.stop();
    this.#alarm = undefined;
  }
}
