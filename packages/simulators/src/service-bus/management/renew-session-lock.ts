import { codec } from "../amqp-types.ts";
import type { MessageQueue } from "../queue.ts";
import { BadRequest, onQueue, SessionLost, textIn, type Operation } from "./operation.ts";
import { texts } from "../texts.ts";

/** Prolongs the lock on a session by the lock duration from now. */
export const renewSessionLock: Operation<MessageQueue> = {
  claim: "Listen",
  step: "renew-session",
  on: onQueue,
  perform({ entity, body, linkName }) {
    const id = textIn(body, "session-id");
    if (id === undefined) throw new BadRequest("The request carries no 'session-id'.");
    const lock = entity.sessions?.renew(id, linkName);
    if (lock === undefined) throw new SessionLost(texts.sessionLockLost);
    return { status: 200, body: { expiration: codec.wrap_timestamp(lock.lockedUntil) } };
  },
};
