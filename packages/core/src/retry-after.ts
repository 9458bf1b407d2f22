/** Reads one header whatever shape carries them: a `Headers`-like object with `get`, or a plain record. */
export type HeaderSource =
  { get(name: string): string | null | undefined } | Readonly<Record<string, unknown>>;

/** Where a server's wish to be left alone may stand. */
export interface HintSource {
  readonly text?: string | undefined;
  readonly headers?: HeaderSource | undefined;
}

/** The wait that the header `Retry-After` asks for (RFC 9110 §10.2.3: seconds or an HTTP date), in milliseconds. */
export function retryAfter({ headers }: HintSource, wallNowMs: number): number | undefined {
  const after = headers ? header(headers, "retry-after") : "";
  return amount(after, 1_000) ?? untilDate(after, wallNowMs);
}

/** Empty when there is none. */
export function header(headers: HeaderSource, name: string): string {
  const value: unknown =
    typeof headers.get === "function"
      ? (headers as { get(name: string): unknown }).get(name)
      : Object.entries(headers).find(([key, one]) => key.toLowerCase() === name && isWord(one))?.[1];
  return isWord(value) ? String(value) : "";
}

/** A number, or text that is not empty. */
export function isWord(value: unknown): value is string | number {
  return typeof value === "number" || (typeof value === "string" && value !== "");
}

/** So many units in milliseconds; undefined for what is no number. */
export function amount(text: string, unitMs: number): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text) ? finite(Number(text) * unitMs) : undefined;
}

/** The three shapes of RFC 9110 §5.6.7; `Date.parse` alone would also make a date of "soon 12". */
function untilDate(text: string, wallNowMs: number): number | undefined {
  if (!/^\s*[FMSTW][a-z]+,? .*\d\d:\d\d:\d\d/.test(text)) return undefined;
  // The shape of C's asctime() names no zone; it is UTC all the same.
  return finite(Math.max(0, Date.parse(/GMT\s*$/.test(text) ? text : `${text} GMT`) - wallNowMs));
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
