import { codec, type Typed } from "../amqp-types.ts";
import type { CorrelationConditions } from "../entity-options.ts";
import type { Rule } from "../rules/rule.ts";
import type { Subscription } from "../subscription.ts";
import { longOf, onSubscription, type Operation } from "./operation.ts";

// The described types of Service Bus. The filters' have one digit less, in the service too.
const descriptors = {
  rule: 0x1_37_00_00_00_04,
  emptyAction: 0x1_37_00_00_00_05,
  sqlAction: 0x1_37_00_00_00_06,
  sqlFilter: 0x13_70_00_00_06,
  trueFilter: 0x13_70_00_00_07,
  falseFilter: 0x13_70_00_00_08,
  correlationFilter: 0x13_70_00_00_09,
} as const;

function described(descriptor: number, fields: readonly (Typed | null)[]): Typed {
  return codec.described(codec.wrap_ulong(descriptor), codec.wrap_list(fields));
}

function text(value: string | undefined): Typed | null {
  return value === undefined ? null : codec.wrap_string(value);
}

function correlationFilter(conditions: CorrelationConditions): Typed {
  const properties = Object.entries(conditions.applicationProperties ?? {}).flatMap(([name, value]) => [
    codec.wrap_string(name),
    value instanceof Date ? codec.wrap_timestamp(value.getTime()) : codec.wrap(value),
  ]);
  return described(descriptors.correlationFilter, [
    text(conditions.correlationId),
    text(conditions.messageId),
    text(conditions.to),
    text(conditions.replyTo),
    text(conditions.subject),
    text(conditions.sessionId),
    text(conditions.replyToSessionId),
    text(conditions.contentType),
    codec.Map32(properties),
  ]);
}

function filterOf({ filter }: Rule): Typed {
  if (typeof filter !== "string") return correlationFilter(filter);
  if (filter === "1=1") return described(descriptors.trueFilter, []);
  if (filter === "1=0") return described(descriptors.falseFilter, []);
  // The second field is the compatibility level.
  return described(descriptors.sqlFilter, [codec.wrap_string(filter), codec.wrap_int(20)]);
}

function describe(rule: Rule): Typed {
  const action =
    rule.action === undefined
      ? described(descriptors.emptyAction, [])
      : described(descriptors.sqlAction, [codec.wrap_string(rule.action), codec.wrap_int(20)]);
  return described(descriptors.rule, [
    filterOf(rule),
    action,
    codec.wrap_string(rule.name),
    codec.wrap_timestamp(rule.createdAt),
  ]);
}

/** Lists the rules of a subscription; 204 when there are none. */
export const enumerateRules: Operation<Subscription> = {
  claim: "Listen",
  on: onSubscription,
  perform({ entity, body }) {
    const skip = longOf(body["skip"] ?? 0);
    const rules = entity.rules.list().slice(skip, skip + longOf(body["top"] ?? 100));
    if (rules.length === 0) return { status: 204, body: {} };
    return { status: 200, body: { rules: rules.map((rule) => ({ "rule-description": describe(rule) })) } };
  },
};
