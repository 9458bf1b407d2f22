import type { Fault } from "@holdfast/core";

/** What a handler's error means: it is the user's, so no table knows it. */
export function handlerFault(error: unknown, isPermanent: boolean, isOver: boolean): Fault {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  const timedOut = error instanceof Error && error.name === "HoldfastError" && code === "attempt-timeout";
  return {
    kind: isOver ? "cancelled" : isPermanent ? "client-bug" : timedOut ? "timeout" : "transient",
    service: "handler",
    id: isOver ? "handler-over" : isPermanent ? "handler-permanent" : "handler-failed",
    code: typeof code === "string" ? code : undefined,
    sent: "no",
    because: timedOut ? "the handler was not done in time" : "the handler threw",
    remedy: isPermanent ? "the message is dead-lettered" : "the message is handled again",
    see: undefined,
    hintMs: undefined,
    missingClaim: undefined,
    trackingId: undefined,
  };
}
