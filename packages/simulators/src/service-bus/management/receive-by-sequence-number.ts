import { codec } from "../amqp-types.ts";
import { conditions } from "../conditions.ts";
import { encodeForClient } from "../deliver.ts";
import { lockTokenText } from "../lock-token.ts";
import { texts } from "../texts.ts";
import type { MessageQueue } from "../queue.ts";
import { onQueue, sequenceNumbersIn, sessionOf, type Operation } from "./operation.ts";

/** Hands out deferred messages. */
export const receiveBySequenceNumber: Operation<MessageQueue> = {
  claim: "Listen",
  on: onQueue,
  perform(request) {
    const { entity: queue, connection, body } = request;
    const session = sessionOf(request, queue.sessions !== undefined);
    // AMQP 2.8.3: mode "second" is peek-lock, "first" is receive-and-delete.
    const locks = body["receiver-settle-mode"] !== 0;
    const received = queue.receiveDeferred(sequenceNumbersIn(body), locks, session);
    if (received === undefined) {
      return { status: 404, condition: conditions.messageNotFound, description: texts.messageNotFound };
    }
    const { broker } = connection;
    return {
      status: 200,
      body: {
        messages: received.map(({ message, lock }) => {
          broker.ledgers.delivered.add({
            at: broker.clock.now(),
            connection: connection.id,
            link: 0,
            linkName: "$management",
            entity: queue.path,
            sequenceNumber: message.sequenceNumber,
            messageId: message.messageId,
            deliveryCount: message.deliveryCount,
            lockToken: lock === undefined ? undefined : lockTokenText(lock.token),
            ...(message.content.sessionId === undefined ? {} : { sessionId: message.content.sessionId }),
          });
          return {
            message: encodeForClient(message, lock),
            ...(lock === undefined ? {} : { "lock-token": codec.wrap_uuid(lock.token) }),
          };
        }),
      },
    };
  },
};
