import { codec, type TypedPairs } from "../amqp-types.ts";
import { conditions } from "../conditions.ts";
import { deadLetterProperties } from "../dead-letter.ts";
import type { Settlement } from "../settlement.ts";
import { texts } from "../texts.ts";
import { BadRequest, lockTokensIn, type Operation } from "./operation.ts";

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
export const updateDisposition: Operation = {
  claim: "Listen",
  perform({ queue, connection, body }) {
    const tokens = lockTokensIn(body);
    const status = body["disposition-status"];
    const disposition = typeof status === "string" ? dispositions[status] : undefined;
    if (disposition === undefined) {
      throw new BadRequest(`The disposition-status must be one of ${Object.keys(dispositions).join(", ")}.`);
    }
    if (!tokens.every((token) => queue.holdsLock(token))) {
      return { status: 410, condition: conditions.messageLockLost, description: texts.lockLost };
    }
    const text = (name: string): string | undefined => {
      const value = body[name];
      return typeof value === "string" ? value : undefined;
    };
    const properties = [
      ...propertiesToModify(body["properties-to-modify"]),
      ...deadLetterProperties(text("deadletter-reason"), text("deadletter-description")),
    ];
    for (const token of tokens) {
      queue.settle(token, { disposition, properties, via: "management", connection: connection.id });
    }
    return { status: 200, body: {} };
  },
};
