/** Error conditions of AMQP 2.8.15–2.8.18 and of Service Bus, by what they mean. */
export const conditions = {
  badRequest: "amqp:not-allowed",
  connectionForced: "amqp:connection:forced",
  decodeError: "amqp:decode-error",
  detachForced: "amqp:link:detach-forced",
  entityDisabled: "com.microsoft:entity-disabled",
  framingError: "amqp:connection:framing-error",
  internalError: "amqp:internal-error",
  messageLockLost: "com.microsoft:message-lock-lost",
  messageNotFound: "com.microsoft:message-not-found",
  messageTooLarge: "amqp:link:message-size-exceeded",
  notAllowed: "amqp:not-allowed",
  notFound: "amqp:not-found",
  notImplemented: "amqp:not-implemented",
  authFailed: "com.microsoft:auth-failed",
  quotaExceeded: "amqp:resource-limit-exceeded",
  entityExists: "com.microsoft:entity-already-exists",
  serverBusy: "com.microsoft:server-busy",
  sessionCannotBeLocked: "com.microsoft:session-cannot-be-locked",
  sessionLockLost: "com.microsoft:session-lock-lost",
  timeout: "com.microsoft:timeout",
  unauthorized: "amqp:unauthorized-access",
} as const;

/** An AMQP error: what a rejection, a detach or a close carries. AMQP 2.8.14. */
export interface AmqpError {
  readonly condition: string;
  readonly description?: string;
}
