import { badOption } from "@holdfast/core";
import { allowed } from "./option-texts.ts";
import { defaultPolicies } from "./operations.ts";
import type { PolicySource, ResilienceOptions } from "./resilience.ts";

type Check = (value: never) => boolean;

const isCount: Check = (many: number) => many >= 1;
const operations = Object.keys(defaultPolicies);

/** What is fine where it takes more than to be like the default; in words: `option-texts.ts`. */
const checks: Partial<Record<string, Check>> = {
  // A misspelt key would silently leave the default in force.
  policies: (source: Partial<PolicySource>) =>
    typeof source.lookup === "function" &&
    source.operations?.every((key) => !key.startsWith("signalr.") || operations.includes(key)) === true,
  connectTimeoutMs: (ms: number) => ms >= 100 && ms < 5_000,
  fallback: (value: { afterFailures?: number } | boolean) =>
    typeof value === "boolean" || Number(value.afterFailures) >= 1,
  onServerClose: (word: string) => ["always", "if-allowed"].includes(word),
  webLock: (name: unknown) => isLike("", name) && name !== "",
  warnAboveConnections: isCount,
  whileDown: (word: string) => ["fail", "wait", "queue"].includes(word),
  maxWaiting: isCount,
  invokeTimeoutMs: (given: unknown) =>
    (typeof given === "number" ? [given] : Object.values(given as object)).every((ms) => isLike(1, ms)),
};

/**
 * Whether an option may have that value. A page takes the compiler's word for it.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function checkValue(option: keyof ResilienceOptions, value: unknown, usual: unknown): void {
  if (checks[option]?.(value as never) ?? isLike(usual, value)) return;
  throw badOption(`resilience.${option}`, value, allowed(option));
}

/** Of the same type; numbers are durations. */
function isLike(usual: unknown, value: unknown): boolean {
  return (
    typeof value === typeof usual &&
    Array.isArray(value) === Array.isArray(usual) &&
    (typeof value !== "number" || value > 0)
  );
}
