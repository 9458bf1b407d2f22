import type { Clock } from "./clock.ts";
import type { ConnectionNews } from "./connection-state.ts";
import type { StopReason } from "./decide.ts";
import { emit, type EventListener, type FaultSummary, type HoldfastEvent } from "./events.ts";
import type { AttemptRecord, Failure } from "./failure-of.ts";
import type { Fault } from "./fault.ts";
import { summaryOf } from "./fault-summary.ts";

/** An outage can last for days: the latest attempts are remembered, so many. */
const maxRecords = 20;

interface Place {
  readonly operation: string;
  readonly target: string;
  readonly clock: Clock;
  readonly onEvent?: EventListener | undefined;
  readonly inFlight?: () => number;
}

/** What the news may say of an attempt. */
interface Trouble {
  readonly attempt?: number;
  readonly attempts?: number;
  readonly waitMs?: number;
}

/** Makes events of what happens to a connection, and remembers the attempts of the present trouble for `failureOf()`. */
export class ConnectionLog {
  readonly #place: Place;
  readonly #records: AttemptRecord[] = [];
  #troubleSince: number | undefined;
  #hasBeenConnected = false;

  constructor(place: Place) {
    this.#place = place;
  }

  /** @param error - the latest, as it was thrown: what a fault in the news was made from. */
  tell(news: ConnectionNews, error: unknown): void {
    const { operation, target, onEvent, inFlight } = this.#place;
    const about = { operation, target };
    if (news.type === "connected") {
      const { attempts, downMs } = news;
      if (this.#hasBeenConnected) emit(onEvent, { type: "reconnected", ...about, downMs, attempts });
      else if (attempts > 1) emit(onEvent, { type: "recovered", ...about, attempts, elapsedMs: downMs });
      this.#hasBeenConnected = true;
      this.#records.length = 0;
      this.#troubleSince = undefined;
      return;
    }
    const { fault: seen, ...rest } = news;
    const fault = seen && this.#record(seen, error, news);
    const lost = news.type === "disconnected" && { inFlight: inFlight?.() ?? 0 };
    const again = news.type === "retry" && { hintMs: seen?.hintMs };
    emit(onEvent, { ...rest, ...about, ...lost, ...again, ...(fault && { fault }) } as HoldfastEvent);
  }

  /** What is known about the present trouble. */
  failure(fault: Fault, reason: StopReason): Failure {
    const { hintMs: _, sent: __, ...known } = fault;
    const elapsedMs = this.#elapsed();
    return { ...known, reason, outcome: "rejected", attempts: [...this.#records], elapsedMs };
  }

  #record(seen: Fault, error: unknown, news: Trouble): FaultSummary {
    const { attempt = news.attempts ?? 0, waitMs } = news;
    const fault = summaryOf(seen, error);
    const { operation } = this.#place;
    this.#records.push({ operation, attempt, atMs: this.#elapsed(), fault, waitMs });
    if (this.#records.length > maxRecords) this.#records.shift();
    return fault;
  }

  #elapsed(): number {
    const now = this.#place.clock.now();
    this.#troubleSince ??= now;
    return now - this.#troubleSince;
  }
}
