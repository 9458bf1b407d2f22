import { ServiceBusError } from "@azure/service-bus";

/** Attempts that Holdfast cut short because no answer came: the connection may be dead although it looks open. */
const late = new WeakSet<object>();

/** The official client's own time-out error, with our bound. */
export function timeoutError(entityPath: string, ms: number): ServiceBusError {
  const error = new ServiceBusError(
    `No answer from the service for "${entityPath}" within ${String(Math.round(ms))} ms.`,
    "ServiceTimeout",
  );
  late.add(error);
  return error;
}

/** Whether an abort reason is a {@link timeoutError}, and not the caller's. */
export function isTimeout(reason: unknown): boolean {
  return typeof reason === "object" && reason !== null && late.has(reason);
}

/** Whether it is the official client's own word that a request had no answer, and not the service's. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Error && /^The request with message_id .* timed out/.test(error.message);
}

/** For sends in flight when their link is found closed. The official client would leave them pending for a minute. */
export function linkLostError(entityPath: string): ServiceBusError {
  return new ServiceBusError(
    `The link to "${entityPath}" closed before the service acknowledged the message.`,
    "ServiceCommunicationProblem",
  );
}

/** For what is opened on a connection that ends meanwhile. */
export function connectionLostError(): ServiceBusError {
  return new ServiceBusError("The connection to the service was lost.", "ServiceCommunicationProblem");
}

/** For messages whose link is found closed before they are sent. */
export function linkClosedError(entityPath: string): ServiceBusError {
  return new ServiceBusError(
    `The link to "${entityPath}" was closed before the message was sent.`,
    "ServiceCommunicationProblem",
  );
}

/** For a message that is larger than any single one may be on its link; nothing of it was sent. */
export function messageTooLargeError(entityPath: string, index: number): ServiceBusError {
  return new ServiceBusError(
    `The message at index ${String(index)} is larger than a message to "${entityPath}" may be.`,
    "MessageSizeExceeded",
  );
}

/** The official client's words for a closed sender. */
export function senderClosedError(entityPath: string): Error {
  return new Error(
    `The sender for "${entityPath}" has been closed and can no longer be used. ` +
      `Please create a new sender using the "createSender" method on the ServiceBusClient.`,
  );
}

/** For what close() did not wait for any longer. The official client rejects with an AbortError too. */
export function cutByCloseError(entityPath: string, role: "sender" | "receiver" = "sender"): Error {
  const error = new Error(
    `The ${role} for "${entityPath}" was closed before the service acknowledged ${role === "sender" ? "the message" : "what it was asked"}.`,
  );
  error.name = "AbortError";
  return error;
}

/** The official client's words for a closed client. */
export function clientClosedError(): Error {
  return new Error("The underlying AMQP connection is closed.");
}
