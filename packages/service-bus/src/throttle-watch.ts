import { emit, type Clock, type EventListener } from "@holdfast/core";

// Moments of throttling belong to the service, and end by themselves; what lasts so long is a namespace that is too small.
const sustainedMs = 30_000;

// So long without a refusal, and it is over: the next one begins another incident.
const quietMs = 30_000;

const advice =
  "the namespace is too small for its load: spread the load over time or over several namespaces, receive and send in " +
  "batches; on Standard (1000 credits a second, shared) go over to Premium, on Premium add messaging units";

/**
 * Tells, beside each throttled retry, once for each time that the throttling does not end by itself, what the service
 * documents to do about it. Times and a count, and nothing that could stick.
 */
export function throttleWatch(listener: EventListener, namespace: string, clock: Clock): EventListener {
  let incident: { since: number; latest: number; refusals: number; isTold: boolean } | undefined;
  return (event) => {
    if (event.type === "retry" && event.fault.kind === "throttled") {
      const now = clock.now();
      if (incident === undefined || now - incident.latest > quietMs) {
        incident = { since: now, latest: now, refusals: 0, isTold: false };
      }
      incident.latest = now;
      incident.refusals += 1;
      const forMs = now - incident.since;
      if (forMs >= sustainedMs && !incident.isTold) {
        incident.isTold = true;
        emit(listener, {
          type: "throttled.sustained",
          operation: event.operation,
          target: namespace,
          forMs,
          refusals: incident.refusals,
          advice,
          see: "https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling",
        });
      }
    }
    emit(listener, event);
  };
}
