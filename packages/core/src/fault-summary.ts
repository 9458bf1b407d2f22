import type { FaultSummary } from "./events.ts";
import type { Fault } from "./fault.ts";
import { redact } from "./redact.ts";

/** Reduces a fault and its error to what may be logged: the error's message, redacted. */
export function summaryOf(fault: Fault, error: unknown): FaultSummary {
  return { kind: fault.kind, id: fault.id, code: fault.code, message: redact(messageOf(error)) };
}

/** An error is a stranger's object: its message may be missing, of another type, or throw when it is read. */
function messageOf(error: unknown): string {
  try {
    const isObject = typeof error === "object" && error !== null;
    return String(isObject && "message" in error ? error.message : error);
  } catch {
    return "(unreadable)";
  }
}
