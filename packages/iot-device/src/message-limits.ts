import { HoldfastError } from "@holdfast/core";
import { tooLargeError } from "./official-errors.ts";
import type { Message } from "./official.ts";

/** What a device may send at once: 256 KB, body and properties together (iot-hub-devguide-quotas-throttling). */
const largestMessageBytes = 262_144;

/** An MQTT topic's length is written in 16 bits (MQTT 3.1.1, 1.5.3). */
const longestTopicBytes = 65_535;

/** `devices/{deviceId}/modules/{moduleId}/messages/events/`, with the longest ids (128 each), and an output's name. */
const topicFrameBytes = 600;

/** A character becomes at most nine bytes in a topic: three bytes of UTF-8, each as %XX. */
const bytesForEachCharacter = 9;

/**
 * Bytes of a message as the hub counts them: the body, and names and values of the properties.
 *
 * @throws an error named `MessageTooLargeError`, or `invalid-message` when its properties do not fit into an MQTT topic: the
 * official client writes half of such a packet, and nothing that is sent after it on that connection ever arrives.
 */
export function checkedBytes(message: Message): number {
  const body = bodyBytes(message.data);
  const properties = propertyCharacters(message);
  const bytes = body + properties;
  if (bytes > largestMessageBytes) {
    throw tooLargeError(
      `The message has ${String(bytes)} bytes with its properties; IoT Hub takes ${String(largestMessageBytes)}.`,
    );
  }
  if (properties * bytesForEachCharacter + topicFrameBytes > longestTopicBytes) {
    const topic = topicBytes(message);
    if (topic > longestTopicBytes) {
      throw new HoldfastError(
        "invalid-message",
        `The message's properties take ${String(topic)} bytes of an MQTT topic; at most ${String(longestTopicBytes)} fit.`,
      );
    }
  }
  return bytes;
}

function bodyBytes(data: unknown): number {
  if (typeof data === "string") return Buffer.byteLength(data);
  if (data instanceof Uint8Array || data instanceof ArrayBuffer) return data.byteLength;
  if (Array.isArray(data)) return data.length;
  return 0;
}

const systemNames = [
  "messageId",
  "correlationId",
  "userId",
  "to",
  "contentType",
  "contentEncoding",
  "interfaceId",
] as const;

function propertyCharacters(message: Message): number {
  let total = 0;
  for (const name of systemNames) {
    const value: unknown = message[name];
    if (typeof value === "string") total += value.length + 8;
  }
  for (const [key, value] of propertiesOf(message)) total += key.length + value.length + 2;
  return total;
}

function topicBytes(message: Message): number {
  let total = topicFrameBytes;
  for (const name of systemNames) {
    const value: unknown = message[name];
    if (typeof value === "string") total += encodeURIComponent(value).length + 12;
  }
  for (const [key, value] of propertiesOf(message)) {
    total += encodeURIComponent(key).length + encodeURIComponent(value).length + 2;
  }
  return total;
}

function* propertiesOf({ properties }: Message): Generator<readonly [string, string]> {
  for (let index = 0; index < properties.count(); index += 1) {
    // JavaScript callers put numbers there.
    const { key, value }: { key: string; value: unknown } = properties.getItem(index);
    yield [key, String(value)];
  }
}
