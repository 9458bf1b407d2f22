import type { CorrelationConditions, RuleOptions } from "../entity-options.ts";
import type { MessageContent } from "../message-format.ts";
import { readAction, type Action } from "./action.ts";
import { readFilter } from "./expression.ts";
import { subjectOf } from "./subject.ts";
import { InvalidRule } from "./tokens.ts";
import { compare, type SqlParameters, type SqlValue } from "./values.ts";

/** A rule of a subscription: which messages it takes, and what it changes on their copies. */
export interface Rule {
  readonly name: string;
  readonly filter: string | CorrelationConditions;
  /** What the names with `@` in the filter's SQL stand for. */
  readonly parameters: SqlParameters;
  readonly action: string | undefined;
  readonly actionParameters: SqlParameters;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** @throws FilterFailure */
  matches(content: MessageContent): boolean;
  readonly change: Action | undefined;
}

const ownProperties = [
  "correlationId",
  "messageId",
  "to",
  "replyTo",
  "subject",
  "sessionId",
  "replyToSessionId",
  "contentType",
] as const;

function correlates(conditions: CorrelationConditions): (content: MessageContent) => boolean {
  const wanted = ownProperties.filter((name) => conditions[name] !== undefined);
  const properties = Object.entries(conditions.applicationProperties ?? {});
  if (wanted.length === 0 && properties.length === 0) {
    throw new InvalidRule("A correlation filter needs at least one condition.");
  }
  return (content) => {
    if (!wanted.every((name) => content[name] === conditions[name])) return false;
    const { user } = subjectOf(content);
    return properties.every(([name, value]) => compare(user(name), value as SqlValue) === 0);
  };
}

/** Reads a rule. @throws InvalidRule */
export function readRule(
  { name, filter = "1=1", parameters = {}, action, actionParameters = {} }: RuleOptions,
  createdAt: number,
): Rule {
  if (name === "" || name.length > 50 || /[/\\?#@*]/.test(name)) {
    throw new InvalidRule(`The rule name '${name}' must have 1 to 50 characters and none of /\\?#@*.`);
  }
  const base = { name, filter, parameters, actionParameters, createdAt };
  const change =
    action === undefined || action.trim() === ""
      ? { action: undefined, change: undefined }
      : { action, change: readAction(action, actionParameters) };
  if (typeof filter !== "string") return { ...base, ...change, matches: correlates(filter) };
  const expression = readFilter(filter, parameters);
  return { ...base, ...change, matches: (content) => expression(subjectOf(content)) === true };
}
