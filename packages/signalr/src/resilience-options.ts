import { badOption, systemClock, systemRandom } from "@holdfast/core";
import { checkValue } from "#platform";
import { defaultPolicies } from "./operations.ts";
import type { ResilienceOptions } from "./resilience.ts";

const nothing = (): undefined => undefined;
const operations = Object.keys(defaultPolicies);

const defaults: Required<ResilienceOptions> = Object.freeze({
  policies: { lookup: nothing, operations },
  connectTimeoutMs: 4_000,
  fallback: false,
  onServerClose: "always",
  selfHosted: false,
  rejoin: nothing,
  renewBeforeExpiry: true,
  webLock: "",
  warnAboveConnections: 10,
  whileDown: "fail",
  waitTimeoutMs: 30_000,
  maxWaiting: 100,
  idempotent: [],
  invokeTimeoutMs: Infinity,
  faults: [],
  onEvent: nothing,
  clock: systemClock,
  random: systemRandom,
});

/**
 * The options with the defaults in the place of what was left out.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function complete(options: ResilienceOptions): Required<ResilienceOptions> {
  if (typeof options !== "object" || (options as unknown) === null) {
    throw badOption("resilience", options, "an object, or false");
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [key, value] of given) {
    const usual = (defaults as Partial<Record<string, unknown>>)[key];
    if (usual === undefined)
      throw badOption("resilience", key, `made of ${Object.keys(defaults).join(", ")}`);
    checkValue(key as keyof ResilienceOptions, value, usual);
  }
  return { ...defaults, ...Object.fromEntries(given) };
}
