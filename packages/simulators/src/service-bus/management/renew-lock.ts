import { codec } from "../amqp-types.ts";
import { conditions } from "../conditions.ts";
import { texts } from "../texts.ts";
import { lockTokensIn, type Operation } from "./operation.ts";

/** Prolongs message locks by the lock duration from now; all of them or, when one is lost, none. */
export const renewLock: Operation = {
  claim: "Listen",
  perform({ queue, body }) {
    const tokens = lockTokensIn(body);
    if (!tokens.every((token) => queue.holdsLock(token))) {
      return { status: 410, condition: conditions.messageLockLost, description: texts.lockLost };
    }
    const expirations = tokens.map((token) => queue.renewLock(token) ?? 0);
    return { status: 200, body: { expirations: codec.wrap_array(expirations, codec.Timestamp.typecode) } };
  },
};
