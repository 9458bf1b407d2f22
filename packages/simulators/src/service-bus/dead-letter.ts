import { codec, type TypedPairs } from "./amqp-types.ts";

/** The path suffix of a dead-letter queue. */
export const DEAD_LETTER_SUFFIX = "/$DeadLetterQueue";

/** The path suffix of a transfer dead-letter queue: for messages that could not be handed on. */
export const TRANSFER_DEAD_LETTER_SUFFIX = "/$Transfer/$DeadLetterQueue";

/** Why a message is dead-lettered. */
export interface DeadLetterCause {
  readonly reason?: string | undefined;
  readonly description?: string | undefined;
}

/** The application properties that say why a message was dead-lettered. */
export function deadLetterProperties(
  reason: string | undefined,
  description: string | undefined,
): TypedPairs {
  return [
    ...(reason === undefined ? [] : [codec.wrap_string("DeadLetterReason"), codec.wrap_string(reason)]),
    ...(description === undefined
      ? []
      : [codec.wrap_string("DeadLetterErrorDescription"), codec.wrap_string(description)]),
  ];
}

/** Why the broker itself dead-letters, in the service's words. */
export const causes = {
  tooManyDeliveries: (maxDeliveryCount: number): DeadLetterCause => ({
    reason: "MaxDeliveryCountExceeded",
    description: `Message could not be consumed after ${String(maxDeliveryCount)} delivery attempts.`,
  }),
  expired: { reason: "TTLExpiredException", description: "The message expired and was dead lettered." },
  noSession: {
    reason: "Session ID is null",
    description: "Session enabled entity doesn't allow a message whose session identifier is null.",
  },
  filterError: (rule: string, problem: string): DeadLetterCause => ({
    reason: "RuleEvaluationException",
    description: `The evaluation of rule '${rule}' failed: ${problem}`,
  }),
  tooManyHops: {
    reason: "MaxTransferHopCountExceeded",
    description:
      "The maximum number of allowed hops when forwarding between queues exceeded the limit. This value is set to 4.",
  },
  destinationMissing: (resource: string): DeadLetterCause => ({
    reason: "MessagingEntityNotFoundException",
    description: `The messaging entity '${resource}' could not be found.`,
  }),
  destinationDisabled: (resource: string): DeadLetterCause => ({
    reason: "MessagingEntityDisabledException",
    description: `Messaging entity '${resource}' is currently disabled.`,
  }),
  destinationFull: (resource: string): DeadLetterCause => ({
    reason: "QuotaExceededException",
    description: `The maximum entity size has been reached or exceeded for '${resource}'.`,
  }),
} as const;
