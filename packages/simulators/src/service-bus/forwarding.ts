import { causes, type DeadLetterCause } from "./dead-letter.ts";
import { isSendable, type EntityContext } from "./entity.ts";
import type { StoredMessage } from "./stored-message.ts";

// "Auto-forwarding": a message may be handed on four times.
const MAX_HOPS = 4;

/**
 * Hands a message on to another entity, as auto-forwarding does.
 * @returns undefined, or why it could not be handed on
 */
export function forward(
  message: StoredMessage,
  from: string,
  to: string,
  context: EntityContext,
): DeadLetterCause | undefined {
  const destination = context.destination(to);
  const resource = context.resource(to);
  const failure =
    message.hops >= MAX_HOPS
      ? causes.tooManyHops
      : destination === undefined
        ? causes.destinationMissing(resource)
        : !isSendable(destination)
          ? causes.destinationDisabled(resource)
          : destination.sizeBytes + message.bytes > destination.settings.maxSizeBytes
            ? causes.destinationFull(resource)
            : destination.requiresSession && message.content.sessionId === undefined
              ? causes.noSession
              : undefined;
  context.ledgers.forwarded.add({
    at: context.clock.now(),
    entity: from,
    to: destination?.path ?? to,
    sequenceNumber: message.sequenceNumber,
    messageId: message.messageId,
    ...(failure?.reason === undefined ? {} : { failure: failure.reason }),
  });
  if (failure !== undefined) return failure;
  destination?.enqueue({
    content: message.content,
    bytes: message.bytes,
    connection: message.connection,
    messageId: message.messageId,
    hops: message.hops + 1,
    enqueuedSequenceNumber: message.enqueuedSequenceNumber || message.sequenceNumber,
    deadLetterSource: message.deadLetterSource,
  });
  return undefined;
}
