import { backoff, policies, presets, type Policies, type PolicyOptions } from "@holdfast/core";

/**
 * The operations that have a policy.
 *
 * - `iot.connect`: the connection with everything that is subscribed on it, for everybody who waits for it.
 * - `iot.send`: `sendEvent`, `sendEventBatch`, `sendOutputEvent`, `sendOutputEventBatch`.
 * - `iot.outbox`: a message on its way out of the outbox.
 * - `iot.subscribe`: switching messages, methods or desired properties on or off.
 * - `iot.twin`: reading the twin, reporting properties.
 * - `iot.method`: the answer to a direct method.
 * - `iot.settle`: `complete`, `reject`, `abandon`.
 * - `iot.upload`: a file's signature, its content, its notification; each under this policy.
 */
export type IotOperation =
  | "iot.connect"
  | "iot.send"
  | "iot.outbox"
  | "iot.subscribe"
  | "iot.twin"
  | "iot.method"
  | "iot.settle"
  | "iot.upload";

// Throttled devices wait at least this long: the official client's own schedule (10 … 60 s).
const throttledBackoff = backoff.equal({ baseMs: 20_000, capMs: 60_000 });

// A device has nobody who restarts it. A refused credential is the exception: one fresh token is tried, then `slowRetryMs`
// is waited (see `DeviceLink`), because a hub counts refused connections too.
const connect = presets.reconnect.with({
  attemptTimeoutMs: 30_000,
  throttledBackoff,
  on: { unknown: { action: "retry", counts: false }, transient: { action: "retry", counts: false } },
});

// The official client gives up an operation after four minutes.
const request = presets.request.with({ deadlineMs: 240_000, attemptTimeoutMs: 20_000, throttledBackoff });

const defaults: Readonly<Record<IotOperation, PolicyOptions>> = {
  "iot.connect": {},
  "iot.send": {},
  // A stored message is given up only when it is sure that it is the message; minutes, for an error that nobody knows.
  "iot.outbox": {
    attempts: Infinity,
    deadlineMs: Infinity,
    on: { unknown: { action: "retry", limit: 20 } },
  },
  "iot.subscribe": { attempts: Infinity, deadlineMs: Infinity, on: { unknown: "retry" } },
  // Reading or reporting twice changes nothing, and over MQTT most errors of the twin have no code.
  "iot.twin": { attemptTimeoutMs: 10_000, on: { unknown: { action: "retry", limit: 5 } } },
  // The service waits 30 s unless told otherwise.
  "iot.method": { deadlineMs: 30_000, attemptTimeoutMs: 5_000 },
  "iot.settle": { deadlineMs: 60_000, attemptTimeoutMs: 10_000 },
  "iot.upload": { attemptTimeoutMs: 60_000, on: { unknown: { action: "retry", limit: 5 } } },
};

/**
 * The default policies, with some options replaced.
 *
 * ```ts
 * const retry = iotPolicies({ "iot.send": { deadlineMs: 30_000 } });
 * const client = Client.fromConnectionString(connectionString, Mqtt, { resilience: { policies: retry } });
 * ```
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function iotPolicies(
  changes: Partial<Readonly<Record<IotOperation, PolicyOptions>>> = {},
): Policies<IotOperation> {
  const made = (operation: IotOperation): ReturnType<typeof request.with> => {
    const base = operation === "iot.connect" ? connect : request;
    return base.with(defaults[operation]).with(changes[operation] ?? {});
  };
  return policies({
    "iot.connect": made("iot.connect"),
    "iot.send": made("iot.send"),
    "iot.outbox": made("iot.outbox"),
    "iot.subscribe": made("iot.subscribe"),
    "iot.twin": made("iot.twin"),
    "iot.method": made("iot.method"),
    "iot.settle": made("iot.settle"),
    "iot.upload": made("iot.upload"),
  });
}
