import { connectingStepIn } from "./connecting-step.ts";
import type { Fault, FaultKind, Sent } from "./fault.ts";
import { faultLookup, type Reading } from "./fault-lookup.ts";
import { retryHint } from "./retry-hint.ts";

/** What an error must look like for a row to apply. Every field that is given must match. */
export interface Match {
  /** `error.code`, `error.errno` or `error.condition` (numbers as text), equal to one of these. */
  readonly code?: string | readonly string[];
  /** `error.name` equal to one of these. */
  readonly name?: string | readonly string[];
  /** HTTP status: `error.statusCode` or `error.status`. */
  readonly status?: number | readonly number[];
  /** Found in `error.message` (or `description`). */
  readonly text?: RegExp;
}

/** One line of knowledge about a service: how a fault is recognised and what it means. */
export interface FaultRow {
  /** The ledger id of the documented row, or a name for what we measured ourselves. */
  readonly id: string;
  readonly kind: FaultKind;
  readonly match: Match;
  readonly because: string;
  readonly remedy: string;
  /** URL of the documentation. */
  readonly see?: string;
  /** Whether the request can have taken effect; `no` unless said otherwise. */
  readonly sent?: Sent;
}

/** Turns any thrown value into a {@link Fault}. */
export type Classify = (error: unknown, wallNowMs: number) => Fault;

/**
 * Builds the lookup for a service. Rows are tried in order, so the specific stand before the general, and a user's
 * own rows before ours. The error itself is tried first, then what it wraps (`cause`, `innerError`, `errors`).
 */
export function faultTable(service: string, rows: readonly FaultRow[]): Classify {
  return faultLookup(service, rows, reading);
}

// "SubCode=40901", "Error code: 50009", and the gateway's "40103: Invalid authorization token signature".
const subCode = /\b(?:sub[- ]?code\s*=|error code\s*:)\s*([45]\d{4})\b|(?:^|[\s(])([45]0\d{3}): [A-Z]/im;

const reading: Reading = {
  otherwise: {
    id: "unknown",
    kind: "unknown",
    match: {},
    because: "the error is not one that this service documents",
    remedy: "repeated once; if it is a known condition, add a row for it with the `faults` option",
    sent: "maybe",
  },
  hint: retryHint,
  details: (text) => ({
    missingClaim: /'(Send|Listen|Manage)'\s*claim/.exec(text)?.[1] as Fault["missingClaim"],
    subCode: subCode.exec(text)?.slice(1).find(Boolean),
    step: connectingStepIn(text),
    trackingId: /TrackingId:\s*([\w-]+)/i.exec(text)?.[1],
    systemTracker: /SystemTracker:\s*([^\s,<]+)/i.exec(text)?.[1],
    serverTimestamp: /\bTimestamp:\s*(\d{4}-[\dT:.Z+-]*\dZ?)/i.exec(text)?.[1],
  }),
};
