import { conditions } from "../conditions.ts";
import type { CorrelationConditions } from "../entity-options.ts";
import { readRule } from "../rules/rule.ts";
import { InvalidRule } from "../rules/tokens.ts";
import type { Subscription } from "../subscription.ts";
import { texts } from "../texts.ts";
import { BadRequest, onSubscription, textIn, type Operation } from "./operation.ts";

type Fields = Readonly<Record<string, unknown>>;

function fieldsIn(body: Fields, name: string): Fields | undefined {
  const value = body[name];
  return typeof value === "object" && value !== null ? (value as Fields) : undefined;
}

/** The conditions under the names that they have on the wire. */
function conditionsIn(filter: Fields): CorrelationConditions {
  const names = {
    correlationId: "correlation-id",
    messageId: "message-id",
    to: "to",
    replyTo: "reply-to",
    subject: "label",
    sessionId: "session-id",
    replyToSessionId: "reply-to-session-id",
    contentType: "content-type",
  } as const;
  const given = Object.entries(names).flatMap(([name, wire]) => {
    const value = textIn(filter, wire);
    return value === undefined ? [] : [[name, value] as const];
  });
  const properties = fieldsIn(filter, "properties");
  return {
    ...Object.fromEntries(given),
    ...(properties === undefined
      ? {}
      : { applicationProperties: properties as NonNullable<CorrelationConditions["applicationProperties"]> }),
  };
}

/** Adds a rule to a subscription. */
export const addRule: Operation<Subscription> = {
  claim: "Listen",
  on: onSubscription,
  perform({ entity, connection, body }) {
    const name = textIn(body, "rule-name") ?? "";
    const description = fieldsIn(body, "rule-description") ?? {};
    const sql = fieldsIn(description, "sql-filter");
    const correlation = fieldsIn(description, "correlation-filter");
    const action = textIn(fieldsIn(description, "sql-rule-action") ?? {}, "expression");
    const { broker } = connection;
    try {
      const rule = readRule(
        {
          name,
          filter:
            correlation === undefined
              ? (textIn(sql ?? {}, "expression") ?? "1=1")
              : conditionsIn(correlation),
          ...(action === undefined ? {} : { action }),
        },
        broker.clock.wallNow(),
      );
      if (entity.rules.add(rule)) return { status: 200, body: {} };
    } catch (error) {
      if (error instanceof InvalidRule) throw new BadRequest(error.message);
      throw error;
    }
    const resource = broker.resource(`${entity.queue.path}/Rules/${name}`);
    return { status: 409, condition: conditions.entityExists, description: texts.entityExists(resource) };
  },
};
