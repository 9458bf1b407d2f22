import { invalid, kindOf } from "./invalid-message.ts";
import { keysDiffer } from "./message-limits.ts";
import type { Sendable } from "./message-ids.ts";
import type { SingleMessage } from "./message-key.ts";
import { annotatedPaths, changedMessage, fieldsOf, isAnnotated } from "./outgoing-message.ts";

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
const maxKeyCharacters = 128;

/**
 * Chooses the partition of a message, e.g. `(message) => String(message.applicationProperties?.["region"])`; undefined leaves
 * the choice to the service. Called once per message and call, before the first attempt (SBC-060).
 */
export type PartitionBy = (message: SingleMessage) => string | undefined;

/**
 * Stamps the partition key on copies; an application property alone does not determine a partition, whatever it says. A
 * message that has a partition key keeps it; one with a session belongs to the session's partition, so the key must be the
 * session id. Messages of a batch were stamped as they were added.
 *
 * @throws HoldfastError `invalid-message` when the key is not a string of 1 to 128 characters; TypeError, in the official
 * client's words, when it differs from the session id.
 */
export function withPartitionKeys<T extends Sendable>(messages: T, partitionBy: PartitionBy): T {
  if (Array.isArray(messages))
    return messages.map((message, index) => stamped(message, partitionBy, index)) as T;
  return stamped(messages as SingleMessage, partitionBy) as T;
}

function stamped<M extends SingleMessage>(message: M, partitionBy: PartitionBy, index?: number): M {
  // The official client says what is wrong with what is no message; a batch passes.
  if (typeof message !== "object" || (message as unknown) === null || "tryAddMessage" in message)
    return message;
  const { partitionKey, sessionId } = fieldsOf(message);
  if (partitionKey != null) return message;
  const key: unknown = partitionBy(message);
  if (key === undefined) return message;
  const place = index === undefined ? "message" : `messages[${index}]`;
  if (typeof key !== "string" || key.length < 1 || key.length > maxKeyCharacters) {
    const got = typeof key === "string" ? `a string of ${key.length} characters` : kindOf(key);
    throw invalid(
      `partitionBy must return a string of 1 to ${maxKeyCharacters} characters; got ${got} for ${place}.`,
    );
  }
  if (sessionId != null && sessionId !== "" && sessionId !== key) {
    const annotated = isAnnotated(message);
    throw keysDiffer((field) => `${place}.${annotated ? annotatedPaths[field] : field}`, false);
  }
  return changedMessage(message, { partitionKey: key });
}
