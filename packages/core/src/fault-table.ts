import type { Fault, FaultKind, Sent } from "./fault.ts";
import { retryHint, type HeaderSource } from "./retry-hint.ts";

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
  return (error, wallNowMs) => {
    const seen = unwrap(error);
    for (const facts of seen) {
      const row = rows.find((candidate) => matches(candidate.match, facts));
      if (row !== undefined) return faultOf(service, row, seen, wallNowMs);
    }
    return faultOf(service, unrecognised, seen, wallNowMs);
  };
}

const unrecognised: FaultRow = {
  id: "unknown",
  kind: "unknown",
  match: {},
  because: "the error is not one that this service documents",
  remedy: "repeated once; if it is a known condition, add a row for it with the `faults` option",
  sent: "maybe",
};

/** The fields of an error that tables look at, read once. */
interface Facts {
  readonly codes: readonly string[];
  readonly name: string;
  readonly text: string;
  readonly status: number | undefined;
  readonly headers: HeaderSource | undefined;
}

// Deep enough for every wrapping seen (core-amqp two, AWS classifies to ten).
const maxDepth = 10;

function unwrap(error: unknown): Facts[] {
  const found: Facts[] = [];
  const visited = new Set<unknown>();
  const visit = (value: unknown, depth: number): void => {
    if (value === undefined || value === null || depth > maxDepth || visited.has(value)) return;
    visited.add(value);
    found.push(factsOf(value));
    if (typeof value !== "object") return;
    const errors = field(value, "errors");
    // core-amqp collects one error per attempt in an AggregateError; the newest says how things stand.
    if (Array.isArray(errors))
      for (const inner of [...(errors as unknown[])].reverse()) visit(inner, depth + 1);
    visit(field(value, "cause"), depth + 1);
    visit(field(value, "innerError"), depth + 1);
  };
  visit(error, 0);
  return found;
}

function factsOf(value: unknown): Facts {
  if (typeof value !== "object" || value === null) {
    return { codes: [], name: "", text: String(value), status: undefined, headers: undefined };
  }
  const words = (...keys: string[]): string[] =>
    keys
      .map((key) => field(value, key))
      .filter((word) => (typeof word === "string" && word !== "") || typeof word === "number")
      .map(String);
  const response = field(value, "response");
  const status = field(value, "statusCode") ?? field(value, "status");
  const headers =
    field(value, "headers") ?? (typeof response === "object" && response && field(response, "headers"));
  return {
    codes: words("code", "errno", "condition"),
    name: words("name")[0] ?? "",
    text: words("message", "description").join(" "),
    status: typeof status === "number" ? status : undefined,
    headers: typeof headers === "object" && headers !== null ? (headers as HeaderSource) : undefined,
  };
}

/** An error is a stranger's object: a getter that throws has nothing to say. */
function field(value: object, key: string): unknown {
  return safely(() => (value as Readonly<Record<string, unknown>>)[key]);
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function matches(match: Match, facts: Facts): boolean {
  if (match.code !== undefined && !facts.codes.some((code) => includes(match.code, code))) return false;
  if (match.name !== undefined && !includes(match.name, facts.name)) return false;
  if (match.status !== undefined && (facts.status === undefined || !includes(match.status, facts.status)))
    return false;
  // Not test(): with a global expression it would remember where it stopped.
  if (match.text !== undefined && facts.text.search(match.text) === -1) return false;
  return true;
}

function includes<T>(wanted: T | readonly T[] | undefined, value: T): boolean {
  return Array.isArray(wanted) ? (wanted as readonly T[]).includes(value) : wanted === value;
}

function faultOf(service: string, row: FaultRow, seen: readonly Facts[], wallNowMs: number): Fault {
  const text = seen.map((facts) => facts.text).join("\n");
  const claim = /'(Send|Listen|Manage)'\s*claim/.exec(text)?.[1];
  return {
    kind: row.kind,
    service,
    id: row.id,
    code: seen.flatMap((facts) => facts.codes)[0],
    sent: row.sent ?? "no",
    because: row.because,
    remedy: row.remedy,
    see: row.see,
    hintMs: hintOf(seen, wallNowMs),
    missingClaim: claim as Fault["missingClaim"],
    trackingId: /TrackingId:\s*([\w-]+)/i.exec(text)?.[1],
  };
}

function hintOf(seen: readonly Facts[], wallNowMs: number): number | undefined {
  for (const { text, headers } of seen) {
    const hint = safely(() => retryHint({ text, headers }, wallNowMs));
    if (hint !== undefined) return hint;
  }
  return undefined;
}
