import { backoff, policies, presets, type Policies, type PolicyOptions } from "@holdfast/core";
import type { RetryOptions } from "@azure/service-bus";

/**
 * The operations that have a policy.
 *
 * - `serviceBus.connect`: opening the connection and a link, for everybody who waits for it.
 * - `serviceBus.getToken`: one request to a TokenCredential, for all connections of the client.
 * - `serviceBus.send`: `sendMessages` and `createMessageBatch`.
 * - `serviceBus.schedule`: `scheduleMessages`.
 * - `serviceBus.cancelScheduled`: `cancelScheduledMessages`.
 * - `serviceBus.receive`: `receiveMessages` and iterators; the deadline is the call's own `maxWaitTimeInMs`.
 * - `serviceBus.subscribe`: the links of a subscription, for as long as it lasts.
 * - `serviceBus.settle`: the four settlements.
 * - `serviceBus.renew`: each renewal of a lock, until the lock ends.
 * - `serviceBus.peek`, `serviceBus.receiveDeferred`, `serviceBus.rules`, `serviceBus.sessionState`: the calls of that name.
 * - `serviceBus.acceptSession`: `acceptSession` and `acceptNextSession`; the deadline is the user's `timeoutInMs` or 60 s.
 * - `serviceBus.administration`: each request of the administration client.
 */
export type ServiceBusOperation =
  | "serviceBus.connect"
  | "serviceBus.getToken"
  | "serviceBus.send"
  | "serviceBus.schedule"
  | "serviceBus.cancelScheduled"
  | "serviceBus.receive"
  | "serviceBus.subscribe"
  | "serviceBus.settle"
  | "serviceBus.renew"
  | "serviceBus.peek"
  | "serviceBus.receiveDeferred"
  | "serviceBus.rules"
  | "serviceBus.sessionState"
  | "serviceBus.acceptSession"
  | "serviceBus.administration";

// A sender's outage should end within a moment of the service's: shorter waits than the general reconnect preset.
// Opening a link changes nothing, so an unknown error is worth a few more tries than one.
const connect = presets.reconnect.with({
  attemptTimeoutMs: 30_000,
  backoff: backoff.decorrelated({ baseMs: 250, capMs: 5_000 }),
  on: { unknown: { action: "retry", limit: 5 } },
});

// A credential's errors are strangers: each is worth a few tries, and the connection's own policy goes on after that.
const getToken = presets.request.with({
  attemptTimeoutMs: 30_000,
  on: { unknown: { action: "retry", limit: 5 } },
});

// Traffic should flow within three seconds of the end of an outage of three: with a base of 1 s it would in 75 of 100 cases
// (design-spike 10). reattach-pace.ts slows down what lasts longer.
const linkBackoff = backoff.decorrelated({ baseMs: 250, capMs: 2_000 });

const receive = presets.request.with({
  attempts: Infinity,
  deadlineMs: Infinity,
  backoff: linkBackoff,
  on: { unknown: { action: "retry", limit: 5 } },
});

// The official subscription never gives up either.
const subscribe = presets.reconnect.with({
  attemptTimeoutMs: Infinity,
  backoff: linkBackoff,
  on: {
    ...Object.fromEntries(
      (
        ["auth", "quota", "not-found", "client-bug", "conflict", "lock-lost", "too-large", "unknown"] as const
      ).map((kind) => [kind, { action: "retry", limit: Infinity }]),
    ),
    "token-limit": { action: "rotate", limit: Infinity },
  },
});

const settle = presets.request.with({ backoff: backoff.full({ baseMs: 100, capMs: 5_000 }) });

// Until the lock ends, whatever the reason; only a lock that is lost cannot be renewed.
const renew = presets.request.with({
  attempts: Infinity,
  deadlineMs: Infinity,
  backoff: backoff.full({ baseMs: 100, capMs: 2_000 }),
  throttledBackoff: backoff.full({ baseMs: 50, capMs: 500 }),
  on: {
    auth: { action: "retry", limit: Infinity },
    quota: { action: "retry", limit: Infinity },
    "not-found": { action: "retry", limit: Infinity },
    unknown: { action: "retry", limit: Infinity },
  },
});

// Creating an entity may take the service half a minute.
const administration = presets.request.with({ attemptTimeoutMs: 30_000, deadlineMs: 120_000 });

/**
 * The default policies, with some options replaced.
 *
 * ```ts
 * const retry = serviceBusPolicies({ "serviceBus.send": { deadlineMs: 30_000 } });
 * const client = new ServiceBusClient(connectionString, { resilience: { policies: retry } });
 * retry.update({ "serviceBus.send": { attempts: 3 } });
 * ```
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function serviceBusPolicies(
  changes: Partial<Readonly<Record<ServiceBusOperation, PolicyOptions>>> = {},
): Policies<ServiceBusOperation> {
  return policies({
    "serviceBus.connect": connect.with(changes["serviceBus.connect"] ?? {}),
    "serviceBus.getToken": getToken.with(changes["serviceBus.getToken"] ?? {}),
    "serviceBus.send": presets.request.with(changes["serviceBus.send"] ?? {}),
    "serviceBus.schedule": presets.request.with(changes["serviceBus.schedule"] ?? {}),
    "serviceBus.cancelScheduled": presets.request.with(changes["serviceBus.cancelScheduled"] ?? {}),
    "serviceBus.receive": receive.with(changes["serviceBus.receive"] ?? {}),
    "serviceBus.subscribe": subscribe.with(changes["serviceBus.subscribe"] ?? {}),
    "serviceBus.settle": settle.with(changes["serviceBus.settle"] ?? {}),
    "serviceBus.renew": renew.with(changes["serviceBus.renew"] ?? {}),
    "serviceBus.peek": presets.request.with(changes["serviceBus.peek"] ?? {}),
    "serviceBus.receiveDeferred": presets.request.with(changes["serviceBus.receiveDeferred"] ?? {}),
    "serviceBus.rules": presets.request.with(changes["serviceBus.rules"] ?? {}),
    "serviceBus.sessionState": presets.request.with(changes["serviceBus.sessionState"] ?? {}),
    "serviceBus.acceptSession": receive.with(changes["serviceBus.acceptSession"] ?? {}),
    "serviceBus.administration": administration.with(changes["serviceBus.administration"] ?? {}),
  });
}

/**
 * The official `retryOptions` as policy, so that an existing configuration keeps its meaning:
 *
 * | official | here |
 * |---|---|
 * | `maxRetries: n` | `attempts: n + 1` (throttling and outages do not count; `0` means one attempt) |
 * | `timeoutInMs: t` | `attemptTimeoutMs: t` |
 * | `mode: Exponential`, `retryDelayInMs: d`, `maxRetryDelayInMs: m` | full jitter, base `d`, cap `m` |
 * | `mode: Fixed` (the default), `retryDelayInMs: d` | a step of `d` plus up to a fifth of it at random (`0` keeps our default) |
 *
 * The deadline grows to what these could take together, if that is longer than the default of 60 s.
 */
export function policiesFrom(retryOptions: RetryOptions | null | undefined): Policies<ServiceBusOperation> {
  const send = retryOptions == null ? {} : optionsFrom(retryOptions);
  return serviceBusPolicies({
    "serviceBus.send": send,
    "serviceBus.schedule": send,
    "serviceBus.cancelScheduled": send,
    "serviceBus.settle": send,
    "serviceBus.peek": send,
    "serviceBus.receiveDeferred": send,
    "serviceBus.rules": send,
    "serviceBus.sessionState": send,
  });
}

// core-amqp's defaults, for the fields that the user left out.
const officialDelayMs = 30_000;
const officialMaxDelayMs = 90_000;
// RetryMode.Exponential; the enum is a run-time export of the official package, which this file need not load.
const exponential = 0;

function optionsFrom(retryOptions: RetryOptions): PolicyOptions {
  const { maxRetries, timeoutInMs, retryDelayInMs, maxRetryDelayInMs, mode } = retryOptions;
  const base = presets.request;
  const delayMs = retryDelayInMs ?? officialDelayMs;
  const isExponential = Number(mode) === exponential && mode !== undefined;
  const capMs = isExponential ? Math.max(maxRetryDelayInMs ?? officialMaxDelayMs, delayMs) : delayMs * 1.2;
  // The official client takes any number here, so ours does too.
  const attempts = maxRetries === undefined ? base.attempts : Math.max(1, Math.ceil(maxRetries) + 1);
  const attemptTimeoutMs = timeoutInMs ?? base.attemptTimeoutMs;
  const waits = retryDelayInMs !== undefined || mode !== undefined || maxRetryDelayInMs !== undefined;
  const shape =
    !waits || delayMs === 0
      ? base.backoff
      : isExponential
        ? backoff.full({ baseMs: delayMs, capMs })
        : backoff.steps({ delaysMs: [delayMs], jitterMs: delayMs / 5 });
  const longest = attempts * attemptTimeoutMs + (waits ? (attempts - 1) * capMs : 0);
  return { attempts, attemptTimeoutMs, backoff: shape, deadlineMs: Math.max(base.deadlineMs, longest) };
}
