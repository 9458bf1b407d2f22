import type { Report } from "./work.ts";

/** The figures of one client in one scenario. */
export interface Figures {
  /** Orders that were sent. */
  readonly sent: number;
  /** Messages that have arrived at the end, copies included. */
  readonly stored: number;
  /** Orders that were sent and have not arrived at the end. */
  readonly lost: number;
  /** Copies beyond the first of an order. */
  readonly duplicated: number;
  /** Calls that were rejected. */
  readonly errors: number;
  /** The longest that one order took, in milliseconds; for one still pending at the cut, until then. */
  readonly longestStallMs: number;
}

/** Follows the calls of one client in one scenario, by what its process reports. */
export class Tally {
  readonly #startedAt = new Map<number, number>();
  /** How often somebody had looked when the order was sent. */
  readonly #startedLook = new Map<number, number>();
  #looks = 0;
  #isReady = false;
  #sent = 0;
  #errors = 0;
  #longestMs = 0;

  take(report: Report): void {
    const now = performance.now();
    if (report.type === "ready") {
      this.#isReady = true;
      return;
    }
    if (report.type === "sent") {
      this.#sent += 1;
      this.#startedAt.set(report.order, now);
      this.#startedLook.set(report.order, this.#looks);
      return;
    }
    this.#longestMs = Math.max(this.#longestMs, now - (this.#startedAt.get(report.order) ?? now));
    this.#startedAt.delete(report.order);
    this.#startedLook.delete(report.order);
    if (report.failed) this.#errors += 1;
  }

  /** Whether the client is at work. */
  get hasBegun(): boolean {
    return this.#isReady || this.#sent > 0;
  }

  get sent(): number {
    return this.#sent;
  }

  get errors(): number {
    return this.#errors;
  }

  /** Calls that have not settled. */
  get pending(): number {
    return this.#startedAt.size;
  }

  /** Somebody looks at the figures. */
  look(): void {
    this.#looks += 1;
  }

  /** How often somebody has looked while the oldest pending call was waiting. */
  get longestWaitLooks(): number {
    const [oldest = this.#looks] = this.#startedLook.values();
    return this.#looks - oldest;
  }

  /** How long the oldest pending call has been waiting, in milliseconds. */
  get longestWaitMs(): number {
    const [oldest] = this.#startedAt.values();
    return oldest === undefined ? 0 : performance.now() - oldest;
  }

  /** The figures, given the orders that have arrived. */
  figures(storedOrders: readonly number[]): Figures {
    const distinct = new Set(storedOrders);
    return {
      sent: this.#sent,
      stored: storedOrders.length,
      lost: this.#sent - distinct.size,
      duplicated: storedOrders.length - distinct.size,
      errors: this.#errors,
      longestStallMs: Math.round(Math.max(this.#longestMs, this.longestWaitMs)),
    };
  }
}

/** Adds up; the longest stall is the longest of all. */
export function total(all: readonly Figures[]): Figures {
  const sum = (key: keyof Figures): number => all.reduce((value, figures) => value + figures[key], 0);
  return {
    sent: sum("sent"),
    stored: sum("stored"),
    lost: sum("lost"),
    duplicated: sum("duplicated"),
    errors: sum("errors"),
    longestStallMs: Math.max(0, ...all.map((figures) => figures.longestStallMs)),
  };
}
