import type { Clock } from "./clock.ts";
import type { ConnectionNews } from "./connection-state.ts";
import type { StopReason } from "./decide.ts";
import { emit, type EventListener, type FaultSummary } from "./events.ts";
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
    switch (news.type) {
      case "disconnected": {
        const { fault: seen, ...lost } = news;
        const why = seen && { fault: this.#record(seen, error, 0, news.waitMs) };
        emit(onEvent, { ...lost, ...about, inFlight: inFlight?.() ?? 0, ...why });
        return;
      }
      case "retry": {
        const fault = this.#record(news.fault, error, news.attempt, news.waitMs);
        emit(onEvent, { ...news, ...about, hintMs: news.fault.hintMs, fault });
        return;
      }
      case "connected": {
        const { attempts, downMs } = news;
        if (this.#hasBeenConnected) emit(onEvent, { type: "reconnected", ...about, downMs, attempts });
        else if (attempts > 1) emit(onEvent, { type: "recovered", ...about, attempts, elapsedMs: downMs });
        this.#hasBeenConnected = true;
        this.#records.length = 0;
        this.#troubleSince = undefined;
        return;
      }
      case "give-up": {
        const fault = this.#record(news.fault, error, news.attempts, undefined);
        emit(onEvent, { ...news, ...about, fault });
      }
    }
  }

  /** What is known about the present trouble. */
  failure(fault: Fault, reason: StopReason): Failure {
    const { hintMs: _, sent: __, ...known } = fault;
    const elapsedMs = this.#elapsed();
    return { ...known, reason, outcome: "rejected", attempts: [...this.#records], elapsedMs };
  }

  #record(seen: Fault, error: unknown, attempt: number, waitMs: number | undefined): FaultSummary {
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
