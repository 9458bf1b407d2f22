import { encodeForClient } from "../deliver.ts";
import type { MessageQueue } from "../queue.ts";
import { longOf, onQueue, textIn, type Operation } from "./operation.ts";

/** Shows messages from a sequence number on, without locking them; 204 when there are none. */
export const peekMessage: Operation<MessageQueue> = {
  claim: "Listen",
  on: onQueue,
  perform({ entity, body }) {
    const from = longOf(body["from-sequence-number"] ?? 0);
    const omitBody = body["omit-message-body"] === true;
    const messages = entity.peek(from, longOf(body["message-count"] ?? 1), textIn(body, "session-id"));
    if (messages.length === 0) return { status: 204, body: {} };
    return {
      status: 200,
      body: {
        messages: messages.map((message) => ({ message: encodeForClient(message, undefined, omitBody) })),
      },
    };
  },
};
