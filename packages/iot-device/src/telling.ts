import { emit, failureOf, redact } from "@holdfast/core";
import type { Resilience } from "./resilience.ts";

/** Tells, as an event, of what failed where nobody waits for it. What `run()` gave up has been told already. */
export function tellFailed(resilience: Resilience, device: string, what: string, error: unknown): void {
  const { onEvent, classify, clock } = resilience;
  if (failureOf(error) !== undefined) return;
  const { kind, id, code } = classify(error, clock.wallNow());
  const message = redact(error instanceof Error ? error.message : String(error));
  const fault = { kind, id, code, message };
  emit(onEvent, { type: "handler-failed", operation: `iot.${what}`, target: device, fault });
}
