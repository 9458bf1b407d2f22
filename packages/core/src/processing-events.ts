import type { FaultSummary } from "./events.ts";

/** A message comes for the second time or later: it failed before, or a lock was lost. */
export interface RedeliveredEvent {
  readonly type: "redelivered";
  readonly operation: string;
  readonly target: string;
  readonly messageId: string;
  /** Which delivery this is, from 1; those of the copies before it included. */
  readonly delivery: number;
}

/** A handler returned: the message is handled, whatever becomes of its settlement. */
export interface ProcessedEvent {
  readonly type: "processed";
  readonly operation: string;
  readonly target: string;
  readonly messageId: string;
  readonly delivery: number;
  /** Calls of the handler in this delivery. */
  readonly attempts: number;
  /** From the first call to the end of the last, in milliseconds; the waits in between included. */
  readonly durationMs: number;
}

/** A handler failed for good in this delivery, and what becomes of the message. */
export interface ProcessingFailedEvent {
  readonly type: "processing-failed";
  readonly operation: string;
  readonly target: string;
  readonly messageId: string;
  readonly delivery: number;
  /** Calls of the handler in this delivery. */
  readonly attempts: number;
  /** `delayed`: it comes again after `delayMs`. `lost`: the lock was lost meanwhile, so it comes again by itself. */
  readonly next: "delayed" | "abandoned" | "dead-lettered" | "lost";
  readonly delayMs?: number;
  readonly fault: FaultSummary;
}

/** A message that was handled before, and whose completion got lost, was completed without calling the handler. */
export interface RecognisedEvent {
  readonly type: "recognised";
  readonly operation: string;
  readonly target: string;
  readonly messageId: string;
}

/** The event loop was busy for so long that nothing else happened: locks may be lost, connections dropped. */
export interface EventLoopLagEvent {
  readonly type: "event-loop-lag";
  readonly operation: string;
  readonly target: string;
  readonly lagMs: number;
}
