import { emit, type FaultSummary } from "@holdfast/core";
import type { Resilience } from "./resilience.ts";

/** Whether a link is open, and what is told of it as events. */
export class LinkStory {
  readonly #entityPath: string;
  readonly #resilience: Resilience;
  #hasBeenOpen = false;
  #downSince: number | undefined;

  constructor(entityPath: string, resilience: Resilience) {
    this.#entityPath = entityPath;
    this.#resilience = resilience;
  }

  opened(): void {
    this.#hasBeenOpen = true;
    if (this.#downSince === undefined) return;
    const downMs = this.#resilience.clock.now() - this.#downSince;
    this.#downSince = undefined;
    this.#emit({ type: "reconnected", downMs });
  }

  /** Found closed. @param inFlight - transfers whose acknowledgements will never come. */
  lost(inFlight: number): void {
    if (!this.#hasBeenOpen || this.#downSince !== undefined) return;
    this.#downSince = this.#resilience.clock.now();
    this.#emit({ type: "disconnected", inFlight });
  }

  /** Its connection was given up for this reason. */
  recycled(reason: unknown): void {
    const { kind, id, code } = this.#resilience.classify(reason, this.#resilience.clock.wallNow());
    this.#emit({ type: "recycled", fault: { kind, id, code, message: (reason as Error).message } });
  }

  #emit(event: LinkEvent): void {
    emit(this.#resilience.onEvent, {
      operation: "serviceBus.connect",
      target: this.#entityPath,
      ...event,
    });
  }
}

type LinkEvent =
  | { readonly type: "disconnected"; readonly inFlight: number }
  | { readonly type: "reconnected"; readonly downMs: number }
  | { readonly type: "recycled"; readonly fault: FaultSummary };
