/**
 * What Holdfast itself decided:
 * - `misconfigured`: an option is outside its range; thrown at construction, before anything was sent.
 * - `closed`: the object was closed and takes no new work.
 * - `attempt-timeout`: one attempt outlived `attemptTimeoutMs`; its outcome is unknown.
 * - `deadline`: the whole call outlived `deadlineMs` before any attempt could say why.
 * - `connection-lost`: the connection ended and the official client gave no reason.
 * - `breaker-open`: the circuit breaker is open, so the call was not tried; the cause is the error that opened it.
 * - `invalid-message`: the service would refuse this message, or store another than was meant; nothing was sent.
 * - `outbox-full`: the outbox holds as much as it may; the message was not taken, or gave its place to a newer one.
 * - `expired`: the message's time in the outbox ended before it could be sent.
 * - `duplicate-identity`: this process has a connection with that device identity already.
 * - `malformed-content`: what was received is not what its properties or its content type say it is.
 * - `content-mismatch`: content that was put together or fetched is not what was sent (length or SHA-256 differ).
 */
export type HoldfastErrorCode =
  | "misconfigured"
  | "closed"
  | "attempt-timeout"
  | "deadline"
  | "connection-lost"
  | "breaker-open"
  | "invalid-message"
  | "outbox-full"
  | "expired"
  | "duplicate-identity"
  | "malformed-content"
  | "content-mismatch";

/** Thrown only for Holdfast's own decisions; every other failure is the official client's own error object. */
export class HoldfastError extends Error {
  readonly code: HoldfastErrorCode;

  constructor(code: HoldfastErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HoldfastError";
    this.code = code;
  }
}

/** A `misconfigured` error that names the option, the value given and what is allowed. */
export function badOption(option: string, value: unknown, allowed: string): HoldfastError {
  return new HoldfastError("misconfigured", `${option} must be ${allowed}; got ${show(value)}.`);
}

/** The error for what has not answered after so many milliseconds. */
export function noAnswer(
  what: string,
  ms: number,
  code: "attempt-timeout" | "deadline" = "attempt-timeout",
): HoldfastError {
  return new HoldfastError(code, `${what} had no answer within ${String(Math.round(ms))} ms.`);
}

/** Options come from JavaScript too: a value of the wrong type gets a message, not a TypeError. */
export function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return String(value);
}
