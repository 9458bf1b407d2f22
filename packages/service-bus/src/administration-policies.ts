import type { ServiceBusAdministrationClientOptions } from "@azure/service-bus";
import { backoff, type Policy, type PolicyOptions } from "@holdfast/core";
import { serviceBusPolicies, type ServiceBusOperation } from "./operations.ts";

type RetryOptions = NonNullable<ServiceBusAdministrationClientOptions["retryOptions"]>;

// core-rest-pipeline's defaults, for the one delay that the user left out.
const officialDelayMs = 1_000;
const officialMaxDelayMs = 64_000;

/**
 * The default policies, changed as the official administration client's `retryOptions` say:
 *
 * | official | here |
 * |---|---|
 * | `maxRetries: n` | `attempts: n + 1` (throttling and outages do not count; `0` means one attempt) |
 * | `retryDelayInMs: d`, `maxRetryDelayInMs: m` | full jitter, base `d`, cap `m` (`0` keeps our default) |
 *
 * The deadline grows to what these could take together, if that is longer.
 */
export function administrationPolicies(
  retryOptions: RetryOptions | undefined,
): (operation: ServiceBusOperation) => Policy {
  const changes = retryOptions && { "serviceBus.administration": optionsFrom(retryOptions) };
  const registry = serviceBusPolicies(changes);
  return (operation) => registry.lookup(operation) as Policy;
}

function optionsFrom(retryOptions: RetryOptions): PolicyOptions {
  const { maxRetries, retryDelayInMs, maxRetryDelayInMs } = retryOptions;
  const base = serviceBusPolicies().lookup("serviceBus.administration") as Policy;
  const waits = (retryDelayInMs ?? maxRetryDelayInMs ?? 0) > 0;
  const baseMs = retryDelayInMs ?? Math.min(officialDelayMs, maxRetryDelayInMs ?? officialDelayMs);
  const capMs = Math.max(maxRetryDelayInMs ?? officialMaxDelayMs, baseMs);
  const attempts = maxRetries === undefined ? base.attempts : Math.max(1, Math.ceil(maxRetries) + 1);
  const longestMs = attempts * base.attemptTimeoutMs + (waits ? (attempts - 1) * capMs : 0);
  return {
    attempts,
    ...(waits && { backoff: backoff.full({ baseMs, capMs }) }),
    deadlineMs: Math.max(base.deadlineMs, longestMs),
  };
}
