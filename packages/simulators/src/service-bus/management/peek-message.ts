import { encodeForClient } from "../deliver.ts";
import { longOf, type Operation } from "./operation.ts";

/** Shows messages from a sequence number on, without locking them; 204 when there are none. */
export const peekMessage: Operation = {
  claim: "Listen",
  perform({ queue, body }) {
    const from = longOf(body["from-sequence-number"] ?? 0);
    const omitBody = body["omit-message-body"] === true;
    const messages = queue.peek(from, longOf(body["message-count"] ?? 1));
    if (messages.length === 0) return { status: 204, body: {} };
    return {
      status: 200,
      body: {
        messages: messages.map((message) => ({ message: encodeForClient(message, undefined, omitBody) })),
      },
    };
  },
};
