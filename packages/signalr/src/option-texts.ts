import { defaultPolicies } from "./operations.ts";
import type { ResilienceOptions } from "./resilience.ts";

const duration = "a number of milliseconds above 0, or Infinity";
const count = "1 or more, or Infinity";
const flag = "true or false";
const callback = "a function";

const texts = {
  policies: `made by signalrPolicies() or policies(), keyed by ${Object.keys(defaultPolicies).join(", ")}`,
  connectTimeoutMs: "from 100 to 4999 milliseconds",
  fallback: "true, false or { afterFailures: 1 or more }",
  onServerClose: "one of always, if-allowed",
  selfHosted: flag,
  rejoin: callback,
  renewBeforeExpiry: flag,
  webLock: "the name of a lock",
  warnAboveConnections: count,
  whileDown: "one of fail, wait, queue",
  waitTimeoutMs: duration,
  maxWaiting: count,
  idempotent: "a list of methods",
  invokeTimeoutMs: `${duration}; or one for each method`,
  faults: "a list of rows",
  onEvent: callback,
  clock: "a clock",
  random: callback,
  skipNegotiation: "left out with Azure SignalR; withResilience({ selfHosted: true }) allows it",
  withUrl: "a URL without a `hub` parameter, which the service adds itself",
  withAutomaticReconnect: "delays of 0 ms or more",
} satisfies Readonly<Record<string, string>> & Readonly<Record<keyof ResilienceOptions, string>>;

/** What an option may be, to be said to whoever gave something else. */
export function allowed(option: keyof typeof texts): string {
  return texts[option];
}
