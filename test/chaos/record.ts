import type { Intent } from "./plan.ts";

/** What the application was told about a send. */
export interface SendRecord {
  readonly messageId: string;
  /** `unknown`: rejected, and it may have been stored all the same; `pending`: not answered when the run ended. */
  outcome: "resolved" | "rejected" | "unknown" | "pending";
  error?: string;
}

/** One call of the handler. */
export interface HandlerRecord {
  readonly messageId: string;
  readonly sequenceNumber: number;
  readonly sessionId?: string | undefined;
  readonly lockToken: string;
  readonly intent: Intent;
  /** Moments on the clock of the service's journal. */
  readonly startedAt: number;
  /** When it had done its work. */
  endedAt?: number;
  /** When it was no longer at work, done or aborted. */
  stoppedAt?: number;
  /** What the settlement call was told; undefined where the receiver settles by itself, or the handler did not get so far. */
  settlement?: "resolved" | "rejected";
  /** Whether the lock was known to be lost when the handler had done its work. */
  lockLost?: boolean;
}

/** What happened to the application in a run: the side that the journal does not see. */
export interface ClientRecord {
  readonly sends: readonly SendRecord[];
  readonly handlers: readonly HandlerRecord[];
  /** Handlers still at work when `close()` had resolved. */
  readonly runningAfterClose: number;
  /** Undefined when `close()` did not resolve within its bound. */
  readonly closedInMs: number | undefined;
  /** Connections that the service still had some time after `close()`. */
  readonly connectionsLeft: number;
  /** From the last fault until everything sent was settled; undefined when that did not happen. */
  readonly quietAfterMs: number | undefined;
}
