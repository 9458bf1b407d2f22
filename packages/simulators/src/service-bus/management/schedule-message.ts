import { codec } from "../amqp-types.ts";
import { conditions } from "../conditions.ts";
import { MessageContent } from "../message-format.ts";
import { MalformedMessage } from "../message-sections.ts";
import { texts } from "../texts.ts";
import type { Destination } from "../entity.ts";
import { BadRequest, onDestination, type Operation } from "./operation.ts";

/** Takes over messages that are to be enqueued later. */
export const scheduleMessage: Operation<Destination> = {
  claim: "Send",
  on: onDestination,
  perform({ entity, connection, body }) {
    const entries = body["messages"];
    if (!Array.isArray(entries)) throw new BadRequest("The request carries no 'messages'.");
    const payloads = (entries as unknown[]).map((entry) => {
      const payload: unknown =
        typeof entry === "object" && entry !== null && "message" in entry ? entry.message : undefined;
      if (!Buffer.isBuffer(payload)) throw new BadRequest("An entry of 'messages' carries no 'message'.");
      return payload;
    });
    const bytes = payloads.reduce((sum, payload) => sum + payload.length, 0);
    const { maxMessageSizeBytes, maxSizeBytes } = entity.settings;
    if (bytes > maxMessageSizeBytes) {
      const description = texts.messageTooLarge(0, bytes, maxMessageSizeBytes);
      return { status: 403, condition: conditions.messageTooLarge, description };
    }
    if (entity.sizeBytes + bytes > maxSizeBytes) {
      const description = texts.entityFull(entity.path, maxSizeBytes, entity.sizeBytes);
      return { status: 403, condition: conditions.quotaExceeded, description };
    }
    let contents: MessageContent[];
    try {
      contents = payloads.map((payload) => MessageContent.decode(payload));
    } catch (error) {
      if (error instanceof MalformedMessage) throw new BadRequest(error.message);
      throw error;
    }
    if (entity.requiresSession && contents.some(({ sessionId }) => sessionId === undefined)) {
      throw new BadRequest(texts.sessionIdMissing);
    }
    const numbers = contents.map(
      // A message that duplicate detection drops has no sequence number; the service answers 0 for it.
      (content, index) =>
        entity.enqueue({ content, bytes: payloads[index]?.length ?? 0, connection: connection.id })
          ?.sequenceNumber ?? 0,
    );
    return { status: 200, body: { "sequence-numbers": codec.wrap_array(numbers, codec.Long.typecode) } };
  },
};
