import type { StopReason } from "./decide.ts";
import type { FaultSummary } from "./events.ts";
import type { Fault } from "./fault.ts";

/** One attempt of a call that failed. */
export interface AttemptRecord {
  /** Whose attempt it was: the call's own, or that of what it waited for (`serviceBus.connect`). */
  readonly operation: string;
  /** From 1. */
  readonly attempt: number;
  /** When it failed, in milliseconds since the call began. */
  readonly atMs: number;
  readonly fault: FaultSummary;
  /** The wait that followed, in milliseconds; undefined after the last. */
  readonly waitMs: number | undefined;
}

/** What became of one of several things that a call was asked to do. */
export interface ItemOutcome {
  /** Its place in what the caller gave, from 0. */
  readonly index: number;
  /** `unknown`: only the answer is missing. */
  readonly outcome: "accepted" | "rejected" | "unknown";
  /** The official error, unless it was accepted. */
  readonly error?: unknown;
}

/** What Holdfast knows about a failed call; the error itself stays the official client's. */
export interface Failure extends Pick<
  Fault,
  | "kind"
  | "service"
  | "code"
  | "id"
  | "because"
  | "remedy"
  | "see"
  | "missingClaim"
  | "subCode"
  | "step"
  | "trackingId"
  | "systemTracker"
  | "serverTimestamp"
> {
  /** Why it was not tried again; `cancelled` when the caller aborted. */
  readonly reason: StopReason | "cancelled";
  /**
   * `rejected`: the service has not taken the request. `unknown`: it may have; only the answer is missing,
   * from this attempt or from an earlier one of the same call.
   */
  readonly outcome: "rejected" | "unknown";
  readonly attempts: readonly AttemptRecord[];
  /** When the call was carried out in parts: each item's outcome. Otherwise absent: all items share the call's. */
  readonly items?: readonly ItemOutcome[];
  /** From the call to the rejection, in milliseconds. */
  readonly elapsedMs: number;
}

// Two installed copies of this package, or its ESM and CommonJS builds side by side, share one registry.
const key = Symbol.for("holdfast/1/failures");
const shared = globalThis as Record<symbol, WeakMap<object, Failure> | undefined>;
const failures = (shared[key] ??= new WeakMap());

/**
 * What is known about an error that a Holdfast call rejected with, or `undefined` for any other value.
 * When one error object rejects several calls (a link that cannot be opened), `attempts` and `elapsedMs` are those
 * of the call that failed last.
 */
export function failureOf(error: unknown): Failure | undefined {
  return failures.get(error as object); // Of a primitive there is none.
}

/** Remembers a failure for {@link failureOf}; primitives cannot carry one and pass by. */
export function rememberFailure(error: unknown, failure: Failure): void {
  if (typeof error === "object" && error !== null) failures.set(error, failure);
}
