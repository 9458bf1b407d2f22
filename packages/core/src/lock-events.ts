import type { FaultSummary } from "./events.ts";

/** A lock was kept for as long as it should be (`maxLockRenewalMs`); it ends by itself now. */
export interface LockRenewalEndedEvent {
  readonly type: "lock-renewal-ended";
  readonly operation: string;
  readonly target: string;
  /** Since it was received. */
  readonly keptMs: number;
}

/** A lock is lost: its renewal was refused, or it ran out before one came through. What it protected comes again. */
export interface LockLostEvent {
  readonly type: "lock-lost";
  readonly operation: string;
  readonly target: string;
  readonly reason: "refused" | "expired";
  readonly fault: FaultSummary;
}

/** Messages wait at the service and none came on a link that looks open; a new one takes its place. */
export interface StalledEvent {
  readonly type: "stalled";
  readonly operation: string;
  readonly target: string;
  /** Since something last came, in milliseconds. */
  readonly silentMs: number;
}
