/** Reads one header whatever shape carries them: a `Headers`-like object with `get`, or a plain record. */
export type HeaderSource =
  { get(name: string): string | null | undefined } | Readonly<Record<string, unknown>>;

/** Where a server's wish to be left alone may stand. */
export interface HintSource {
  readonly text?: string | undefined;
  readonly headers?: HeaderSource | undefined;
}

// "Please wait 2 seconds and try again." (Service Bus throttling guide); "retry after 500 ms" (IoT Hub, SignalR texts).
const inText =
  /(?:please wait|retry after|try again (?:in|after))\s+(\d+(?:\.\d+)?)\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|min|m)\b/i;

const unitMs = (unit: string): number => (/^m(?:s|il)/i.test(unit) ? 1 : /^m/i.test(unit) ? 60_000 : 1_000);

/**
 * How long the server asked us to wait, in milliseconds, or `undefined` when it did not say.
 * Precedence: `retry-after-ms`, `x-ms-retry-after-ms`, `Retry-After` (RFC 9110 §10.2.3: seconds or an HTTP date), text.
 *
 * @param wallNowMs - the present, milliseconds since the Unix epoch; a `Retry-After` date is compared with it.
 */
export function retryHint(source: HintSource, wallNowMs: number): number | undefined {
  const { headers, text } = source;
  if (headers !== undefined) {
    const inMs = number(header(headers, "retry-after-ms")) ?? number(header(headers, "x-ms-retry-after-ms"));
    if (inMs !== undefined) return inMs;
    const after = header(headers, "retry-after");
    const seconds = number(after);
    if (seconds !== undefined) return finite(seconds * 1_000);
    const date = httpDate(after);
    if (date !== undefined) return Math.max(0, date - wallNowMs);
  }
  const match = text === undefined ? null : inText.exec(text);
  const [, amount, unit] = match ?? [];
  return amount === undefined || unit === undefined ? undefined : finite(Number(amount) * unitMs(unit));
}

function header(headers: HeaderSource, name: string): string | undefined {
  const value: unknown =
    typeof headers.get === "function"
      ? (headers as { get(name: string): unknown }).get(name)
      : Object.entries(headers).find(([key, one]) => key.toLowerCase() === name && isWord(one))?.[1];
  return isWord(value) ? String(value) : undefined;
}

function isWord(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? finite(Number(text)) : undefined;
}

/** The three shapes of RFC 9110 §5.6.7; `Date.parse` alone would also make a date of "soon 12". */
function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d/.test(text))
    return undefined;
  // The shape of C's asctime() names no zone; it is UTC all the same.
  return finite(Date.parse(/GMT\s*$/.test(text) ? text : `${text} GMT`));
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
