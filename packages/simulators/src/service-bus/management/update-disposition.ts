import { codec, type TypedPairs } from "../amqp-types.ts";
import type { Settlement } from "../settlement.ts";
import type { MessageQueue } from "../queue.ts";
import {
  BadRequest,
  lockLost,
  lockTokensIn,
  onQueue,
  sessionOf,
  textIn,
  type Operation,
} from "./operation.ts";

// "defered" is the service's own spelling.
const dispositions: Readonly<Record<string, Settlement["disposition"]>> = {
  completed: "completed",
  abandoned: "abandoned",
  defered: "deferred",
  suspended: "dead-lettered",
};

function propertiesToModify(value: unknown): TypedPairs {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, content]) => [codec.wrap_string(key), codec.wrap(content)]);
}

/** Settles messages whose link is gone. All of them or, when one lock is lost, none. */
export const updateDisposition: Operation<MessageQueue> = {
  claim: "Listen",
  on: onQueue,
  perform(request) {
    const { entity, connection, body } = request;
    const tokens = lockTokensIn(body);
    const disposition = dispositions[textIn(body, "disposition-status") ?? ""];
    if (disposition === undefined) {
      throw new BadRequest(`The disposition-status must be one of ${Object.keys(dispositions).join(", ")}.`);
    }
    // A message of a session is settled in that session, by the link that holds it.
    const session = sessionOf(request, entity.sessions !== undefined);
    if (!tokens.every((token) => entity.holdsLock(token, session))) return lockLost;
    const properties = propertiesToModify(body["properties-to-modify"]);
    const cause = {
      reason: textIn(body, "deadletter-reason"),
      description: textIn(body, "deadletter-description"),
    };
    for (const token of tokens) {
      entity.settle(token, {
        disposition,
        properties,
        via: "management",
        connection: connection.id,
        ...(disposition === "dead-lettered" ? { cause } : {}),
      });
    }
    return { status: 200, body: {} };
  },
};
