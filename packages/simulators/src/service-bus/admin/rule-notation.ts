import type { CorrelationConditions } from "../entity-options.ts";
import type { Rule } from "../rules/rule.ts";
import { timeText } from "./atom.ts";
import { childOf, listOf, textOf, type Elements } from "./xml.ts";

const SCHEMA = "http://www.w3.org/2001/XMLSchema";
const SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/";

/** A value of a property condition or of a parameter. */
export type PropertyValue = NonNullable<CorrelationConditions["applicationProperties"]>[string];

/** Names with values, as descriptions write them: `KeyValueOfstringanyType`. */
export type Pairs = readonly Elements[];

/** How a client wrote the values of a rule. Their types are finer than ours: an int, a long, a duration. */
interface Notation {
  readonly properties: Pairs;
  readonly filterParameters: Pairs;
  readonly actionParameters: Pairs;
}

const notations = new WeakMap<Rule, Notation>();

function typeOf(value: Elements | undefined): string {
  return textOf(value, "@type")?.split(":").at(-1) ?? "string";
}

function pairsBelow(elements: Elements | undefined, name: string): Pairs {
  return listOf(childOf(elements, name), "KeyValueOfstringanyType").map((pair) => {
    const type = typeOf(childOf(pair, "Value"));
    return {
      Key: textOf(pair, "Key") ?? "",
      Value: {
        "@i:type": `d6p1:${type}`,
        "@xmlns:d6p1": type === "duration" ? SERIALIZATION : SCHEMA,
        "#text": textOf(pair, "Value") ?? "",
      },
    };
  });
}

/** Remembers how a client wrote the values of a rule. */
export function keepNotation(rule: Rule, description: Elements): void {
  const filter = childOf(description, "Filter");
  notations.set(rule, {
    properties: pairsBelow(filter, "Properties"),
    filterParameters: pairsBelow(filter, "Parameters"),
    actionParameters: pairsBelow(childOf(description, "Action"), "Parameters"),
  });
}

function written(values: Readonly<Record<string, PropertyValue>> = {}): Pairs {
  return Object.entries(values).map(([Key, value]) => {
    const [type, text] =
      typeof value === "number"
        ? [Number.isInteger(value) ? "int" : "double", String(value)]
        : value instanceof Date
          ? ["dateTime", timeText(value.getTime())]
          : [typeof value, String(value)];
    return { Key, Value: { "@i:type": `d6p1:${type}`, "@xmlns:d6p1": SCHEMA, "#text": text } };
  });
}

/** The values of a rule as its client wrote them, or as we would. */
export function notationOf(rule: Rule): Notation {
  const { filter } = rule;
  return (
    notations.get(rule) ?? {
      properties: written(typeof filter === "string" ? {} : filter.applicationProperties),
      filterParameters: written(rule.parameters),
      actionParameters: written(rule.actionParameters),
    }
  );
}

function valueOf(type: string, text: string): PropertyValue {
  switch (type) {
    case "boolean":
      return text === "true";
    case "int":
    case "long":
    case "double":
    case "decimal":
      return Number(text);
    case "dateTime":
      // Without a zone it is universal time, as everywhere in the service.
      return new Date(/Z|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`);
    default:
      return text;
  }
}

/** The values below an element of a rule; undefined when there are none. */
export function valuesBelow(
  elements: Elements | undefined,
  name: string,
): Record<string, PropertyValue> | undefined {
  const pairs = listOf(childOf(elements, name), "KeyValueOfstringanyType");
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(
    pairs.map((pair) => [
      textOf(pair, "Key") ?? "",
      valueOf(typeOf(childOf(pair, "Value")), textOf(pair, "Value") ?? ""),
    ]),
  );
}
