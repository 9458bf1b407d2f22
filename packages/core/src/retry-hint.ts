import { amount, header, retryAfter, type HintSource } from "./retry-after.ts";

// "Please wait 2 seconds and try again." (Service Bus throttling guide); "retry after 500 ms" (IoT Hub texts).
const inText =
  /(?:please wait|retry after|try again (?:in|after))\s+(\d+(?:\.\d+)?)\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|min|m)\b/i;

const unitMs = (unit: string): number => (/^m(?:s|il)/i.test(unit) ? 1 : /^m/i.test(unit) ? 60_000 : 1_000);

/**
 * How long the server asked us to wait, in milliseconds, or `undefined` when it did not say.
 * Precedence: `retry-after-ms`, `x-ms-retry-after-ms`, `Retry-After`, text.
 *
 * @param wallNowMs - the present, milliseconds since the Unix epoch; a `Retry-After` date is compared with it.
 */
export function retryHint(source: HintSource, wallNowMs: number): number | undefined {
  const { headers, text = "" } = source;
  const inMs = (name: string): number | undefined => (headers ? amount(header(headers, name), 1) : undefined);
  const asked = inMs("retry-after-ms") ?? inMs("x-ms-retry-after-ms") ?? retryAfter(source, wallNowMs);
  if (asked !== undefined) return asked;
  const [, many = "", unit = ""] = inText.exec(text) ?? [];
  return amount(many, unitMs(unit));
}
