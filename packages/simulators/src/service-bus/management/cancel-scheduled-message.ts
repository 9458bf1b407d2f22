import { conditions } from "../conditions.ts";
import { texts } from "../texts.ts";
import type { Destination } from "../entity.ts";
import { onDestination, sequenceNumbersIn, type Operation } from "./operation.ts";

/** Takes scheduled messages back; all of them or, when one is not scheduled, none. */
export const cancelScheduledMessage: Operation<Destination> = {
  claim: "Send",
  on: onDestination,
  perform({ entity, body }) {
    return entity.cancelScheduled(sequenceNumbersIn(body))
      ? { status: 200, body: {} }
      : { status: 404, condition: conditions.messageNotFound, description: texts.messageNotFound };
  },
};
