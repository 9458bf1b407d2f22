import { ServiceBusError } from "@azure/service-bus";

/** The official error for a message whose lock is gone. */
export function lockLostError(): ServiceBusError {
  return new ServiceBusError(
    "The lock on the message is lost: it expired, or the service gave the message to somebody else.",
    "MessageLockLost",
  );
}

/** The official error for a session whose lock is gone. */
export function sessionLockLostError(sessionId: string): ServiceBusError {
  return new ServiceBusError(
    `The session lock has expired on the session with id ${sessionId}.`,
    "SessionLockLost",
  );
}

/** The official client's words for a second, different settlement. */
export function alreadySettledError(): Error {
  return new Error("The message has either been deleted or already settled");
}

/** For settlements under way when their link is found closed: they may have been carried out. */
export function settlementCutError(entityPath: string): ServiceBusError {
  return new ServiceBusError(
    `The link to "${entityPath}" closed before the service confirmed the settlement.`,
    "ServiceCommunicationProblem",
  );
}

/** A receiver's link is gone, and the service said nothing about it. */
export function receiverLinkLostError(entityPath: string): ServiceBusError {
  return new ServiceBusError(
    `The receiver's link to "${entityPath}" was lost with its connection.`,
    "ServiceCommunicationProblem",
  );
}

/** The official client's words for a closed receiver. */
export function receiverClosedError(entityPath: string): Error {
  return new Error(
    `The receiver for "${entityPath}" has been closed and can no longer be used. ` +
      `Please create a new receiver using the "createReceiver" method on the ServiceBusClient.`,
  );
}

/** The official client's words for a closed session receiver. */
export function sessionReceiverClosedError(entityPath: string, sessionId: string): Error {
  return new Error(
    `The receiver for session "${sessionId}" in "${entityPath}" has been closed and can no longer be used. ` +
      `Please create a new receiver using the "acceptSession" or "acceptNextSession" method on the ServiceBusClient.`,
  );
}

/** The official client's words for a second receive while one is under way. */
export function alreadyReceivingError(entityPath: string): Error {
  return new Error(`The receiver for "${entityPath}" is already receiving messages.`);
}

/** Messages wait, and the link that looks open brings none. */
export function deafLinkError(entityPath: string): ServiceBusError {
  return new ServiceBusError(
    `The receiver's link to "${entityPath}" brought no messages although some wait.`,
    "ServiceCommunicationProblem",
  );
}
