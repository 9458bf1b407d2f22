import type { Hub } from "./hub.ts";
import { hubErrors, type HubError } from "./hub-error.ts";
import type { Identity } from "./identity.ts";

// A device may ask the hub to fail it, by properties of a device-to-cloud message; the official SDKs' own end-to-end
// tests do. Where a fault lasts, the device's connections meet it again until the time is over.
const OPERATION = "AzIoTHub_FaultOperationType";
const REASON = "AzIoTHub_FaultOperationCloseReason";
const DELAY = "AzIoTHub_FaultOperationDelayInSecs";
const DURATION = "AzIoTHub_FaultOperationDurationInSecs";

/** Faults that last, and what the device's messages meet meanwhile. */
const lasting: Readonly<Record<string, HubError>> = {
  InvokeThrottling: hubErrors.throttled,
  InvokeMaxMessageQuota: hubErrors.quotaExceeded,
  InvokeAuthError: hubErrors.authenticationFailed,
};

function seconds(text: string | undefined): number {
  const value = Number(text);
  return value > 0 ? value : 0;
}

/** Carries out the fault that a message asks for, if it asks for one. */
export function requestedFault(
  hub: Hub,
  identity: Identity,
  properties: Readonly<Record<string, string>>,
): void {
  const operation = properties[OPERATION];
  if (operation === undefined) return;
  const durationMs = seconds(properties[DURATION]) * 1_000;
  hub.timers.after(seconds(properties[DELAY]) * 1_000, () => {
    hub.ledgers.faults.add({
      at: hub.clock.now(),
      step: "fault-injection",
      device: identity.key,
      kind: operation,
    });
    const error = Object.hasOwn(lasting, operation) ? lasting[operation] : undefined;
    if (error !== undefined) {
      identity.failSends(error, hub.clock.now() + durationMs);
      return;
    }
    if (durationMs > 0) identity.shutOut(operation, hub.clock.now() + durationMs);
    hub.presence.of(identity.key)?.inject(operation, properties[REASON] ?? "");
  });
}
