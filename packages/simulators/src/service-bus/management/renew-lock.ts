import { codec } from "../amqp-types.ts";
import { lockTokenText } from "../lock-token.ts";
import type { MessageQueue } from "../queue.ts";
import { lockLost, lockTokensIn, onQueue, type Operation } from "./operation.ts";

/** Prolongs message locks by the lock duration from now; all of them or, when one is lost, none. */
export const renewLock: Operation<MessageQueue> = {
  claim: "Listen",
  step: "renew-lock",
  on: onQueue,
  perform({ entity, connection, body }) {
    const tokens = lockTokensIn(body);
    if (!tokens.every((token) => entity.holdsLock(token))) return lockLost;
    const { clock, ledgers } = connection.broker;
    const expirations = tokens.map((token) => {
      const lock = entity.renewLock(token);
      if (lock === undefined) return 0;
      const { message, lockedUntil } = lock;
      ledgers.renewals.add({
        at: clock.now(),
        entity: entity.path,
        connection: connection.id,
        sequenceNumber: message.sequenceNumber,
        messageId: message.messageId,
        lockToken: lockTokenText(token),
        lockedUntil,
      });
      return lockedUntil;
    });
    return { status: 200, body: { expirations: codec.wrap_array(expirations, codec.Timestamp.typecode) } };
  },
};
