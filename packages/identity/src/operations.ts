import { backoff, policies, presets, type Policies, type PolicyOptions } from "@holdfast/core";

/** The operations that have a policy: `identity.getToken` is one request for a token, for everybody who needs it. */
export type IdentityOperation = "identity.getToken";

// The managed identity endpoint says to be back within 70 seconds after an update, so the deadline is longer than that.
const getToken = presets.request.with({ deadlineMs: 90_000, attemptTimeoutMs: 30_000 });

/**
 * The default policies, with some options replaced.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function identityPolicies(
  changes: Partial<Readonly<Record<IdentityOperation, PolicyOptions>>> = {},
): Policies<IdentityOperation> {
  return policies({ "identity.getToken": getToken.with(changes["identity.getToken"] ?? {}) });
}

/** The part of the official `retryOptions` that says something about time and number. */
export interface OfficialRetryOptions {
  readonly maxRetries?: number;
  readonly retryDelayInMs?: number;
  readonly maxRetryDelayInMs?: number;
}

/**
 * The official `retryOptions` as policy, so that an existing configuration keeps its meaning: `maxRetries: n` is
 * `attempts: n + 1`, `retryDelayInMs` and `maxRetryDelayInMs` are base and cap of full jitter.
 */
export function policyFrom(retryOptions: OfficialRetryOptions | undefined): PolicyOptions {
  if (retryOptions === undefined) return {};
  const { maxRetries, retryDelayInMs, maxRetryDelayInMs } = retryOptions;
  const attempts = maxRetries === undefined ? {} : { attempts: Math.max(1, Math.ceil(maxRetries) + 1) };
  if (retryDelayInMs === undefined && maxRetryDelayInMs === undefined) return attempts;
  // core-rest-pipeline's defaults for the one that is left out.
  const baseMs = Math.max(1, retryDelayInMs ?? 1_000);
  return {
    ...attempts,
    backoff: backoff.full({ baseMs, capMs: Math.max(baseMs, maxRetryDelayInMs ?? 64_000) }),
  };
}
