import type { CorrelationConditions, RuleOptions } from "../entity-options.ts";
import type { Rule } from "../rules/rule.ts";
import { DEFAULT_RULE } from "../subscription.ts";
import { timeText } from "./atom.ts";
import { adminErrors } from "./admin-error.ts";
import { given } from "./description-fields.ts";
import { notationOf, valuesBelow, type Pairs } from "./rule-notation.ts";
import { childOf, textOf, type Elements } from "./xml.ts";

function pairs(values: Pairs): Elements | undefined {
  return values.length === 0 ? undefined : { KeyValueOfstringanyType: values };
}

function sql(expression: string, parameters: Pairs): Elements {
  return {
    SqlExpression: expression,
    CompatibilityLevel: "20",
    Parameters: pairs(parameters),
    RequiresPreprocessing: parameters.length === 0 ? undefined : "true",
  };
}

function describeFilter({ filter }: Rule, properties: Pairs, parameters: Pairs): Elements {
  if (typeof filter === "string") {
    const type = filter === "1=1" ? "TrueFilter" : filter === "1=0" ? "FalseFilter" : "SqlFilter";
    return { "@i:type": type, ...sql(filter, parameters) };
  }
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
    Properties: pairs(properties),
  };
}

/** A rule as the service describes it, in the service's order. */
export function describeRule(rule: Rule): Elements {
  const { properties, filterParameters, actionParameters } = notationOf(rule);
  return {
    Filter: describeFilter(rule, properties, filterParameters),
    Action:
      rule.action === undefined
        ? { "@i:type": "EmptyRuleAction" }
        : { "@i:type": "SqlRuleAction", ...sql(rule.action, actionParameters) },
    CreatedAt: timeText(rule.createdAt),
    Name: rule.name,
  };
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
    applicationProperties: valuesBelow(filter, "Properties"),
  });
}

/**
 * What a client describes, as options.
 * @param name - undefined for a subscription's first rule, which names itself or is the default one
 * @throws AdminError 400
 */
export function ruleOptionsOf(name: string | undefined, description: Elements): RuleOptions {
  const filter = childOf(description, "Filter");
  const action = childOf(description, "Action");
  return given({
    name: name ?? textOf(description, "Name") ?? DEFAULT_RULE,
    filter: filter && filterOf(filter),
    parameters: valuesBelow(filter, "Parameters"),
    action: textOf(action, "SqlExpression"),
    actionParameters: valuesBelow(action, "Parameters"),
  });
}
