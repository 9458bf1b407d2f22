import type { Clock } from "./clock.ts";
import type { ConnectionNews } from "./connection-state.ts";
import type { StopReason } from "./decide.ts";
import { emit, type EventListener } from "./events.ts";
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
        const { connectedMs, flaps, waitMs, fault } = news;
        const why = fault && { fault: summaryOf(fault, error) };
        if (fault !== undefined) this.#record(fault, error, 0, waitMs);
        const lost = { inFlight: inFlight?.() ?? 0, connectedMs, flaps, waitMs, ...why };
        emit(onEvent, { type: "disconnected", ...about, ...lost });
        return;
      }
      case "retry": {
        const { attempt, waitMs, fault } = news;
        this.#record(fault, error, attempt, waitMs);
        const next = { attempt, waitMs, hintMs: fault.hintMs, fault: summaryOf(fault, error) };
        emit(onEvent, { type: "retry", ...about, ...next });
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
        const { attempts, elapsedMs, reason, fault } = news;
        this.#record(fault, error, attempts, undefined);
        const end = { attempts, elapsedMs, reason, fault: summaryOf(fault, error) };
        emit(onEvent, { type: "give-up", ...about, ...end });
      }
    }
  }

  /** What is known about the present trouble. */
  failure(fault: Fault, reason: StopReason): Failure {
    const { kind, service, code, id, because, remedy, see, missingClaim, trackingId } = fault;
    const elapsedMs = this.#elapsed();
    const known = { kind, service, code, id, because, remedy, see, missingClaim, trackingId };
    return { ...known, reason, outcome: "rejected", attempts: [...this.#records], elapsedMs };
  }

  #record(fault: Fault, error: unknown, attempt: number, waitMs: number | undefined): void {
    if (this.#records.length === maxRecords) this.#records.shift();
    const { operation } = this.#place;
    this.#records.push({ operation, attempt, atMs: this.#elapsed(), fault: summaryOf(fault, error), waitMs });
  }

  #elapsed(): number {
    const now = this.#place.clock.now();
    this.#troubleSince ??= now;
    return now - this.#troubleSince;
  }
}
