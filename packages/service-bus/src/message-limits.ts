import { invalid, kindOf, type Naming } from "./invalid-message.ts";
import { annotatedPaths, fieldsOf, isAnnotated, type MessageFields } from "./outgoing-message.ts";
import { checkProperties } from "./property-limits.ts";

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
const maxIdCharacters = 128;

/**
 * Checks what the service documents as limits, before anything is on the wire. The service refuses such a message late,
 * or stores another one than was meant: an invalid date is enqueued at once, `NaN` as an id becomes 0, an id of four
 * bytes garbles the properties behind it (measured with the official client 7.9.5).
 *
 * Where the official client throws by itself, its class and words stay, followed by place, value and limit. Values of
 * application properties are never shown.
 *
 * - `messageId`, `sessionId`, `partitionKey`, `replyToSessionId`: at most 128 characters; `sessionId` and `partitionKey`
 *   equal when both are set.
 * - `messageId`, `correlationId`: text, a whole number of 0 or more, or 16 bytes (a UUID).
 * - `timeToLive`: more than 0 milliseconds. (The official client ignores 0 and the message lives for the entity's default.)
 * - `scheduledEnqueueTimeUtc`: a valid Date. `contentType`: ASCII, as AMQP's symbols are.
 * - Application properties and the size of the header: see `checkProperties` (SBC-050).
 *
 * What is no message passes: the official client says what is wrong with it. A batch passes: each message was checked as
 * it was added.
 *
 * @param index - its place in the array that is sent; left out for a single message.
 * @throws TypeError, RangeError or Error where the official client throws one; otherwise HoldfastError `invalid-message`.
 */
export function checkMessage(message: unknown, index?: number): void {
  if (typeof message !== "object" || message === null || isPlain(message) || "tryAddMessage" in message)
    return;
  const fields = fieldsOf(message);
  const annotated = isAnnotated(message);
  const name: Naming = (field) =>
    `${index === undefined ? "message" : `messages[${index}]`}.${annotated ? annotatedPaths[field] : field}`;
  checkTexts(fields, name, annotated);
  checkId(fields.messageId, "messageId", name, annotated);
  checkId(fields.correlationId, "correlationId", name, annotated);
  checkTimes(fields, name, annotated);
  checkKeys(fields, name, annotated);
  checkProperties(fields, name);
}

/** Most messages have nothing but a body and an id, and this is asked for each: nothing there can be wrong. */
function isPlain(message: object): boolean {
  for (const key in message) {
    if (key === "body") continue;
    if (key !== "messageId") return false;
    const { messageId } = message as MessageFields;
    if (typeof messageId !== "string" || messageId.length > maxIdCharacters) return false;
  }
  return true;
}

/** {@link checkMessage} for whatever `sendMessages` takes. */
export function checkMessages(messages: unknown): void {
  if (!Array.isArray(messages)) checkMessage(messages);
  else for (let index = 0; index < messages.length; index += 1) checkMessage(messages[index], index);
}

const texts = ["contentType", "subject", "to", "replyTo", "replyToSessionId", "sessionId"] as const;
const notAscii = /[^\x20-\x7e\t]/; // AMQP 1.6.21

function checkTexts(fields: MessageFields, name: Naming, annotated: boolean): void {
  for (const field of texts) {
    const value = fields[field];
    if (value == null || typeof value === "string") continue;
    const got = `${name(field)} is ${kindOf(value)}`;
    if (annotated) throw invalid(`${got}, and must be a string.`);
    // The official client's words, and its older name for the subject.
    const official = field === "subject" ? "label" : field;
    throw new TypeError(`The property '${official}' on the message must be of type 'string'; ${got}.`);
  }
  const { contentType } = fields;
  if (typeof contentType === "string" && notAscii.test(contentType)) {
    throw invalid(
      `${name("contentType")} has characters outside ASCII, which AMQP cannot carry in a content type.`,
    );
  }
}

function checkId(
  value: unknown,
  field: "messageId" | "correlationId",
  name: Naming,
  annotated: boolean,
): void {
  if (value == null || typeof value === "string") return;
  if (typeof value === "number") {
    if (Number.isSafeInteger(value) && value >= 0) return;
    const text = `${name(field)} is ${value}; a number must be whole and from 0 to 2^53 - 1.`;
    // A negative one the official client refuses, by RangeError; 1.5 it sends as 1 and NaN as 0.
    throw value < 0 || value >= 2 ** 64 ? new RangeError(text) : invalid(text);
  }
  if (Buffer.isBuffer(value)) {
    if (value.length === 16) return;
    throw invalid(
      `${name(field)} has ${value.length} bytes; bytes are sent as a UUID and must be 16. Use text for other ids.`,
    );
  }
  const got = `${name(field)} is ${kindOf(value)}`;
  if (annotated) throw invalid(`${got}, and must be a string, a number or a Buffer.`);
  throw new TypeError(
    `The property '${field}' on the message must be of type string, number or Buffer; ${got}.`,
  );
}

function checkTimes(fields: MessageFields, name: Naming, annotated: boolean): void {
  const { timeToLive, scheduledEnqueueTimeUtc } = fields;
  if (timeToLive != null && !((timeToLive as number) > 0 && typeof timeToLive === "number")) {
    if (typeof timeToLive !== "number") {
      const got = `${name("timeToLive")} is ${kindOf(timeToLive)}`;
      if (annotated) throw invalid(`${got}, and must be a number of milliseconds.`);
      throw new TypeError(`The property 'timeToLive' on the message must be of type 'number'; ${got}.`);
    }
    const text = `${name("timeToLive")} is ${timeToLive}; it must be more than 0 milliseconds, or left out.`;
    throw timeToLive < 0 ? new RangeError(text) : invalid(text);
  }
  if (scheduledEnqueueTimeUtc == null) return;
  if (!(scheduledEnqueueTimeUtc instanceof Date)) {
    throw invalid(
      `${name("scheduledEnqueueTimeUtc")} is ${kindOf(scheduledEnqueueTimeUtc)}; it must be a Date.`,
    );
  }
  if (Number.isNaN(scheduledEnqueueTimeUtc.getTime())) {
    throw invalid(
      `${name("scheduledEnqueueTimeUtc")} is an invalid Date, which would be sent as 1970 and enqueued at once.`,
    );
  }
}

function checkKeys(fields: MessageFields, name: Naming, annotated: boolean): void {
  const { messageId, sessionId, partitionKey, replyToSessionId } = fields;
  if (partitionKey != null && typeof partitionKey !== "string") {
    throw invalid(`${name("partitionKey")} is ${kindOf(partitionKey)}; it must be a string.`);
  }
  checkLength(sessionId, "sessionId", name, annotated);
  checkLength(messageId, "messageId", name, annotated);
  checkLength(partitionKey, "partitionKey", name, annotated);
  // The official client looks at the other three only.
  checkLength(replyToSessionId, "replyToSessionId", name, true);
  if (partitionKey && sessionId && partitionKey !== sessionId) throw keysDiffer(name, annotated);
}

function checkLength(value: unknown, field: keyof MessageFields, name: Naming, isOurs: boolean): void {
  if (typeof value !== "string" || value.length <= maxIdCharacters) return;
  const got = `${name(field)} has ${value.length} characters`;
  if (isOurs) throw invalid(`${got}; at most ${maxIdCharacters} are allowed.`);
  throw new Error(
    `Length of '${field}' property on the message cannot be greater than ${maxIdCharacters} characters. ${got}.`,
  );
}

/** For a session and a partition key that name different partitions; the official client's words where they are its own. */
export function keysDiffer(name: Naming, annotated: boolean): Error {
  const text = "The fields 'partitionKey' and 'sessionId' cannot have different values.";
  const place = `${name("partitionKey")} differs from ${name("sessionId")}.`;
  return annotated ? invalid(`${text} ${place}`) : new TypeError(`${text} ${place}`);
}
