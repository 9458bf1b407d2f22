import type { Fault } from "./fault.ts";
import type { Classify, FaultRow, Match } from "./fault-table.ts";
import { isWord, type HintSource } from "./retry-after.ts";

/** A row whose texts may be left out: a page is spared them. */
export type BareRow = Pick<FaultRow, "id" | "kind" | "match"> & Partial<FaultRow>;

/** What is read beside the row. */
export interface Reading {
  /** Said of everything that no row recognises. */
  readonly otherwise: BareRow;
  readonly hint: (source: HintSource, wallNowMs: number) => number | undefined;
  /** What only some services say of a fault, in all the texts of an error. */
  readonly details?: (
    text: string,
  ) => Pick<Fault, "missingClaim" | "subCode" | "step" | "trackingId" | "systemTracker" | "serverTimestamp">;
}

/** The lookup behind `faultTable()`: for a page, which reads less than all of it. */
export function faultLookup(service: string, rows: readonly BareRow[], reading: Reading): Classify {
  const { otherwise, hint, details } = reading;
  return (error, wallNowMs) => {
    const seen = unwrap(error);
    const known = seen.map((facts) => rows.find(({ match }) => matches(match, facts)));
    const { id, kind, sent = "no", because = "", remedy = "", see } = known.find(Boolean) ?? otherwise;
    return {
      ...{ kind, service, id, sent, because, remedy, see, missingClaim: undefined, trackingId: undefined },
      ...details?.(seen.map(({ text }) => text).join("\n")),
      code: seen.flatMap(({ codes }) => codes)[0],
      hintMs: seen
        .map((facts) => safely(() => hint(facts as HintSource, wallNowMs)))
        .find((ms) => ms !== undefined),
    };
  };
}

/** The fields of an error that tables look at, read once. */
interface Facts {
  readonly codes: readonly string[];
  readonly name: unknown;
  readonly text: string;
  readonly status: unknown;
  readonly headers: unknown;
}

// Deep enough for every wrapping seen (core-amqp two, AWS classifies to ten).
const maxDepth = 10;

function unwrap(error: unknown): Facts[] {
  const found = new Map<unknown, Facts>();
  const visit = (value: unknown, depth: number): void => {
    if (value === undefined || value === null || depth > maxDepth || found.has(value)) return;
    found.set(value, factsOf(value));
    if (typeof value !== "object") return;
    const errors = field(value, "errors");
    // core-amqp collects one error per attempt in an AggregateError; the newest says how things stand.
    const inner: unknown[] = Array.isArray(errors) ? [...(errors as unknown[])].reverse() : [];
    for (const one of [...inner, field(value, "cause"), field(value, "innerError")]) visit(one, depth + 1);
  };
  visit(error, 0);
  return [...found.values()];
}

function factsOf(value: unknown): Facts {
  const words = (...keys: string[]): string[] =>
    keys
      .map((key) => field(value, key))
      .filter(isWord)
      .map(String);
  return {
    codes: words("code", "errno", "condition"),
    name: field(value, "name"),
    text:
      typeof value !== "object" || value === null ? String(value) : words("message", "description").join(" "),
    status: field(value, "statusCode") ?? field(value, "status"),
    headers: field(value, "headers") ?? field(field(value, "response"), "headers"),
  };
}

/** An error is a stranger's object: a getter that throws has nothing to say. */
function field(value: unknown, key: string): unknown {
  return safely(() => (value as Readonly<Record<string, unknown>>)[key]);
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function matches({ code, name, status, text }: Match, facts: Facts): boolean {
  return (
    fits(code, facts.codes) &&
    fits(name, [facts.name]) &&
    fits(status, [facts.status]) &&
    // Not test(): with a global expression it would remember where it stopped.
    (text === undefined || facts.text.search(text) !== -1)
  );
}

function fits(wanted: unknown, values: readonly unknown[]): boolean {
  if (wanted === undefined) return true;
  return values.some((value) => wanted === value || (Array.isArray(wanted) && wanted.includes(value)));
}
