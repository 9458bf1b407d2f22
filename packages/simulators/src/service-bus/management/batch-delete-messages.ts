import { codec } from "../amqp-types.ts";
import type { MessageQueue } from "../queue.ts";
import { longOf, onQueue, textIn, type Operation } from "./operation.ts";

/** Deletes messages unread, the oldest first: up to a number, of those enqueued before a time; 204 when there are none. */
export const batchDeleteMessages: Operation<MessageQueue> = {
  claim: "Listen",
  on: onQueue,
  perform({ entity, connection, body }) {
    const { clock, ledgers } = connection.broker;
    const cutoff = body["enqueued-time-utc"];
    const before = cutoff instanceof Date ? cutoff.getTime() : typeof cutoff === "number" ? cutoff : Infinity;
    const deleted = entity.deleteUnread(
      longOf(body["message-count"] ?? 1),
      before,
      textIn(body, "session-id"),
    );
    if (deleted.length === 0) return { status: 204, body: {} };
    for (const { sequenceNumber, messageId } of deleted) {
      ledgers.settled.add({
        at: clock.now(),
        entity: entity.path,
        sequenceNumber,
        messageId,
        lockToken: "",
        disposition: "deleted",
        via: "management",
        connection: connection.id,
      });
    }
    return { status: 200, body: { "message-count": codec.wrap_int(deleted.length) } };
  },
};
