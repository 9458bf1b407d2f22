import { emit, failureOf } from "@holdfast/core";
import type { ServiceBusOperation } from "./operations.ts";
import type { Resilience } from "./resilience.ts";

/** Tells that close() cut a call. The caller's own abort is no news to him; this is. */
export function tellCut(
  error: Error,
  operation: ServiceBusOperation,
  target: string,
  { onEvent }: Resilience,
): void {
  const {
    kind = "cancelled",
    id = "closed-by-caller",
    elapsedMs = 0,
    attempts = [],
  } = failureOf(error) ?? {};
  emit(onEvent, {
    type: "give-up",
    operation,
    target,
    attempts: attempts.length,
    elapsedMs,
    reason: "closed",
    fault: { kind, id, code: undefined, message: error.message },
  });
}
