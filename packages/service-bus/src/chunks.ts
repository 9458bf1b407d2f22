import { sha256 } from "./content-digest.ts";
import { contentProperties, describe, travelTypes } from "./content-description.ts";
import { asBuffer } from "./message-bytes.ts";
import type { SingleMessage } from "./message-key.ts";
import { changedMessage, fieldsOf } from "./outgoing-message.ts";

/**
 * Splits a body over several messages (SBC-052). Each is a copy of the message with a part of the body, so filters match
 * every chunk as they match the message.
 *
 * - Session: chunks must reach one receiver, so all carry the message's session id, or its partition key, or else an id
 *   of their own. An entity with sessions then delivers them in order to one receiver; an entity without may scatter them
 *   over competing receivers, and none of them gets the whole.
 * - Ids: made from the message's id and the chunk size alone, so that a repetition of the same send meets duplicate
 *   detection chunk by chunk. A message without an id gets one.
 *
 * @param chunkBytes - bytes of body in each chunk but the last, which may have fewer; 1 or more.
 */
export async function splitIntoChunks<M extends SingleMessage>(
  message: M,
  content: Uint8Array,
  chunkBytes: number,
): Promise<M[]> {
  const { messageId, sessionId, partitionKey, contentType } = fieldsOf(message);
  const id = messageId ?? crypto.randomUUID();
  const text = Buffer.isBuffer(id) ? id.toString("hex") : (id as string | number);
  const chunkOf = await sha256(`${typeof id}:${text}\n${chunkBytes}`);
  const count = Math.max(1, Math.ceil(content.byteLength / chunkBytes));
  const description = describe({
    sha256: await sha256(content),
    length: content.byteLength,
    contentType: typeof contentType === "string" ? contentType : undefined,
  });
  const session = textOr(sessionId, textOr(partitionKey, chunkOf));
  const buffer = asBuffer(content);
  return Array.from({ length: count }, (_, index) =>
    changedMessage(message, {
      body: buffer.subarray(index * chunkBytes, (index + 1) * chunkBytes),
      messageId: `${chunkOf}-${index}`,
      sessionId: session,
      contentType: travelTypes.chunk,
      applicationProperties: {
        ...description,
        [contentProperties.chunkOf]: chunkOf,
        [contentProperties.chunkIndex]: index,
        [contentProperties.chunkCount]: count,
        [contentProperties.messageId]: text,
      },
    }),
  );
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}
