import { HoldfastError } from "@holdfast/core";

const misnaming = /^mqtt\.js returned Failure on first connection \(Not authorized\): (.*) error$/s;

/**
 * The MQTT transport calls whatever fails at the first connection "Not authorized" and `UnauthorizedError`. This gives the
 * same error its true name and message back; what the hub did refuse stays as it is.
 */
export function unmisnamed(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const [, said] = misnaming.exec(error.message) ?? [];
  if (said === undefined) return error;
  error.message = said;
  if (said.includes("Connection refused: Server unavailable")) error.name = "ServiceUnavailableError";
  else if (!said.includes("Connection refused: ")) error.name = "NotConnectedError";
  return error;
}

/** For an operation that had no answer; the official client's name for it. */
export function timeoutError(operation: string, ms: number): Error {
  const error = new Error(`${operation}: no answer came within ${String(Math.round(ms))} ms.`);
  error.name = "TimeoutError";
  return error;
}

/** For a message that the hub, or the transport, would not take. */
export function tooLargeError(text: string): Error {
  const error = new Error(text);
  error.name = "MessageTooLargeError";
  return error;
}

export function closedError(device: string): HoldfastError {
  return new HoldfastError("closed", `The client of ${device} was closed; open() connects it again.`);
}

/** For what was in flight when the connection ended without a reason. */
export function connectionLost(cause?: unknown): HoldfastError {
  return new HoldfastError("connection-lost", "The connection was lost before the hub answered.", { cause });
}
