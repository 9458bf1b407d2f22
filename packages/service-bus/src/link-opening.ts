import type { ServiceBusClient } from "@azure/service-bus";
import { onAbort, redact, rememberFailure, run, type Attempt, type AttemptRecord } from "@holdfast/core";
import { noteAwaited, noteRefused } from "./connecting-step.ts";
import { isTimeout, timeoutError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";

/** What an opening does to the link it opens. */
export interface OpeningSteps {
  /** One attempt to open; `giveUp` ends it when nothing answers. */
  readonly attempt: (scope: Attempt, giveUp: (error: Error) => void) => Promise<void>;
  /** Who opens it. */
  readonly client: () => ServiceBusClient;
  /** Moves to another connection, because this one holds as many tokens as the service allows. */
  readonly rotate: () => void;
}

// The official client notices neither a drop while it waits for its token nor an answer that never comes, so the first
// attempt is given up early; each that had no answer gives the next one more time, up to the policy's attemptTimeoutMs.
const firstPatienceMs = 4_000;

// An outage can last for days.
const maxRecords = 20;

/**
 * One reconnect for everybody who waits for the link, under the policy `serviceBus.connect`. It goes on as long as
 * somebody waits.
 */
export class LinkOpening {
  /** Settles when the link is open, or cannot be opened. */
  readonly done: Promise<void>;
  readonly #entityPath: string;
  readonly #resilience: Resilience;
  readonly #steps: OpeningSteps;
  readonly #abort = new AbortController();
  readonly #startedAt: number;
  readonly #records: AttemptRecord[] = [];
  #waiting = 0;
  /** Attempts that had no answer; a refusal says nothing about how slow the line is. */
  #unanswered = 0;
  #lastError: unknown;

  constructor(entityPath: string, resilience: Resilience, steps: OpeningSteps) {
    const { policy, classify, clock, random, onEvent } = resilience;
    this.#entityPath = entityPath;
    this.#resilience = resilience;
    this.#steps = steps;
    this.#startedAt = clock.now();
    this.done = run((scope) => this.#attempt(scope), {
      operation: "serviceBus.connect",
      target: entityPath,
      policy: policy("serviceBus.connect"),
      classify,
      clock,
      random,
      onEvent,
      signal: this.#abort.signal,
      // A refresh is a new link with a new token, which the next attempt makes by itself.
      act: (action) => {
        if (action === "rotate") steps.rotate();
      },
      timeoutError: (ms) => this.#late(ms),
    });
    const opened = (): void => {
      resilience.entities.add(entityPath);
    };
    this.done.then(opened, () => {
      // Heard by those who wait; when nobody does, the next who asks will try again.
    });
  }

  /** True once nobody waits any more: who comes now begins another. */
  get isAbandoned(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Waits for the link, until the signal aborts. */
  join(signal: AbortSignal): Promise<void> {
    this.#waiting += 1;
    const left = new Promise<never>((_, reject) => {
      const leave = (): void => {
        if (isTimeout(signal.reason)) this.#noteAwaited(signal.reason);
        reject(this.#reasonFor(signal.reason));
      };
      if (signal.aborted) leave();
      else onAbort(signal, leave);
    });
    return Promise.race([this.done, left]).finally(() => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.abandon();
    });
  }

  /** Stops trying. */
  abandon(): void {
    this.#abort.abort();
  }

  async #attempt(scope: Attempt): Promise<void> {
    if (scope.number > 1 && this.#waiting === 0) this.abandon();
    const patienceMs = firstPatienceMs * 2 ** this.#unanswered;
    const giveUp = (error: Error): void => {
      if (isTimeout(error)) this.#unanswered += 1;
      scope.fail(error);
    };
    const stop = this.#resilience.clock.after(patienceMs, () => {
      giveUp(this.#late(patienceMs));
    });
    try {
      await this.#steps.attempt(scope, giveUp);
    } catch (error) {
      // What was given up is told as what it was given up for: the official client calls it an abort.
      this.#note(scope.number, scope.ended ? scope.signal.reason : error);
      throw error;
    } finally {
      stop();
    }
  }

  #late(ms: number): Error {
    const error = timeoutError(this.#entityPath, ms);
    this.#noteAwaited(error);
    this.#lastError = error;
    return error;
  }

  #noteAwaited(error: unknown): void {
    noteAwaited(error, this.#steps.client(), this.#entityPath);
  }

  #note(attempt: number, error: unknown): void {
    this.#lastError = error;
    const { classify, clock } = this.#resilience;
    const seen = classify(error, clock.wallNow());
    const { kind, id, code } = seen;
    noteRefused(error, seen);
    const message = redact(error instanceof Error ? error.message : String(error));
    const atMs = clock.now() - this.#startedAt;
    if (this.#records.length === maxRecords) this.#records.shift();
    this.#records.push({
      operation: "serviceBus.connect",
      attempt,
      atMs,
      fault: { kind, id, code, message },
      waitMs: undefined,
    });
  }

  /** After the caller's deadline the trouble with the connection says more than "too late". */
  #reasonFor(reason: unknown): unknown {
    if (!isTimeout(reason) || this.#lastError === undefined) return reason;
    const { classify, clock } = this.#resilience;
    const fault = classify(this.#lastError, clock.wallNow());
    const elapsedMs = clock.now() - this.#startedAt;
    const attempts = [...this.#records];
    rememberFailure(this.#lastError, {
      ...fault,
      reason: "deadline",
      outcome: "rejected",
      attempts,
      elapsedMs,
    });
    return this.#lastError;
  }
}
