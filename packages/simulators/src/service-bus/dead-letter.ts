import { codec, type TypedPairs } from "./amqp-types.ts";

/** The path suffix of a dead-letter queue. */
export const DEAD_LETTER_SUFFIX = "/$DeadLetterQueue";

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

/** Why the broker itself dead-lettered a message that was delivered too often. */
export function tooManyDeliveries(maxDeliveryCount: number): TypedPairs {
  return deadLetterProperties(
    "MaxDeliveryCountExceeded",
    `Message could not be consumed after ${String(maxDeliveryCount)} delivery attempts.`,
  );
}

/** Why the broker itself dead-lettered a message that outlived its time to live. */
export function expired(): TypedPairs {
  return deadLetterProperties("TTLExpiredException", "The message expired and was dead lettered.");
}
