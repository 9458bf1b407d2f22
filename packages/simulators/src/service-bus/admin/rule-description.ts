import type { CorrelationConditions, RuleOptions } from "../entity-options.ts";
import type { Rule } from "../rules/rule.ts";
import { DEFAULT_RULE } from "../subscription.ts";
import { timeText } from "./atom.ts";
import { adminErrors } from "./admin-error.ts";
import { given } from "./description-fields.ts";
import { childOf, textOf, type Elements } from "./xml.ts";

const SCHEMA = "http://www.w3.org/2001/XMLSchema";

type PropertyValue = string | number | boolean | Date;

function typedValue(value: PropertyValue): Elements {
  const [type, text] =
    typeof value === "number"
      ? [Number.isInteger(value) ? "int" : "double", String(value)]
      : value instanceof Date
        ? ["dateTime", timeText(value.getTime())]
        : [typeof value, String(value)];
  return { "@i:type": `d6p1:${type}`, "@xmlns:d6p1": SCHEMA, "#text": text };
}

function describeFilter(filter: Rule["filter"]): Elements {
  if (typeof filter === "string") {
    const type = filter === "1=1" ? "TrueFilter" : filter === "1=0" ? "FalseFilter" : "SqlFilter";
    return { "@i:type": type, SqlExpression: filter, CompatibilityLevel: "20" };
  }
  const properties = Object.entries(filter.applicationProperties ?? {});
  return {
    "@i:type": "CorrelationFilter",
    CorrelationId: filter.correlationId,
    MessageId: filter.messageId,
    To: filter.to,
    ReplyTo: filter.replyTo,
    Label: filter.subject,
    SessionId: filter.sessionId,
    ReplyToSessionId: filter.replyToSessionId,
    ContentType: filter.contentType,
    Properties:
      properties.length === 0
        ? undefined
        : {
            KeyValueOfstringanyType: properties.map(([Key, value]) => ({ Key, Value: typedValue(value) })),
          },
  };
}

/** A rule as the service describes it, in the service's order. */
export function describeRule(rule: Rule): Elements {
  return {
    Filter: describeFilter(rule.filter),
    Action:
      rule.action === undefined
        ? { "@i:type": "EmptyRuleAction" }
        : { "@i:type": "SqlRuleAction", SqlExpression: rule.action, CompatibilityLevel: "20" },
    CreatedAt: timeText(rule.createdAt),
    Name: rule.name,
  };
}

function valueOf(element: Elements | undefined): PropertyValue {
  const text = textOf({ value: element }, "value") ?? "";
  const type = textOf(element, "@type")?.split(":").at(-1);
  switch (type) {
    case "boolean":
      return text === "true";
    case "int":
    case "long":
    case "double":
    case "decimal":
      return Number(text);
    case "dateTime":
      return new Date(text);
    default:
      return text;
  }
}

function propertiesOf(filter: Elements): Record<string, PropertyValue> | undefined {
  const pairs = childOf(filter, "Properties")?.["KeyValueOfstringanyType"];
  if (pairs === undefined || typeof pairs === "string") return undefined;
  const all = (Array.isArray(pairs) ? pairs : [pairs]) as readonly Elements[];
  return Object.fromEntries(
    all.map((pair) => {
      const value = pair["Value"];
      return [textOf(pair, "Key") ?? "", typeof value === "string" ? value : valueOf(childOf(pair, "Value"))];
    }),
  );
}

function filterOf(filter: Elements): string | CorrelationConditions {
  const type = textOf(filter, "@type")?.split(":").at(-1);
  if (type === "TrueFilter") return "1=1";
  if (type === "FalseFilter") return "1=0";
  if (type === "SqlFilter") return textOf(filter, "SqlExpression") ?? "1=1";
  if (type !== "CorrelationFilter")
    throw adminErrors.badRequest(`The filter type '${type ?? ""}' is unknown.`);
  return given({
    correlationId: textOf(filter, "CorrelationId"),
    messageId: textOf(filter, "MessageId"),
    to: textOf(filter, "To"),
    replyTo: textOf(filter, "ReplyTo"),
    subject: textOf(filter, "Label"),
    sessionId: textOf(filter, "SessionId"),
    replyToSessionId: textOf(filter, "ReplyToSessionId"),
    contentType: textOf(filter, "ContentType"),
    applicationProperties: propertiesOf(filter),
  });
}

/**
 * What a client describes, as options.
 * @param name - undefined for a subscription's first rule, which names itself or is the default one
 * @throws AdminError 400
 */
export function ruleOptionsOf(name: string | undefined, description: Elements): RuleOptions {
  const filter = childOf(description, "Filter");
  return given({
    name: name ?? textOf(description, "Name") ?? DEFAULT_RULE,
    filter: filter && filterOf(filter),
    action: textOf(childOf(description, "Action"), "SqlExpression"),
  });
}
