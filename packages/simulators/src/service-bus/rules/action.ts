import { codec, type Typed } from "../amqp-types.ts";
import type { MessageContent, OwnProperty } from "../message-format.ts";
import { ExpressionReader, type Expression } from "./expression.ts";
import { subjectOf } from "./subject.ts";
import { InvalidRule } from "./tokens.ts";
import type { SqlParameters, SqlValue } from "./values.ts";

/** Changes a copy of a message. */
export type Action = (content: MessageContent) => MessageContent;

/** What of the message itself an action may set, by its name in SQL. */
const settable: Readonly<Record<string, OwnProperty>> = {
  contenttype: "contentType",
  correlationid: "correlationId",
  label: "subject",
  messageid: "messageId",
  replyto: "replyTo",
  replytosessionid: "replyToSessionId",
  sessionid: "sessionId",
  subject: "subject",
  to: "to",
};

function typed(value: SqlValue): Typed {
  if (value instanceof Date) return codec.wrap_timestamp(value.getTime());
  if (typeof value === "number" && Number.isInteger(value)) return codec.wrap_long(value);
  return value === null ? codec.Null() : codec.wrap(value);
}

function setStatement(reader: ExpressionReader): Action {
  const { scope, name } = reader.property();
  reader.expect("=");
  const value: Expression = reader.condition();
  if (scope === "user") {
    return (content) =>
      content.withApplicationProperties([codec.wrap_string(name), typed(value(subjectOf(content)))]);
  }
  const own = settable[name.toLowerCase()];
  if (own === undefined) throw new InvalidRule(`The system property '${name}' cannot be set.`);
  return (content) => {
    const text = value(subjectOf(content));
    return content.withOwnProperty(own, text === null ? undefined : String(text));
  };
}

function removeStatement(reader: ExpressionReader): Action {
  const { scope, name } = reader.property();
  if (scope === "sys") throw new InvalidRule(`The system property '${name}' cannot be removed.`);
  return (content) => content.withoutApplicationProperty(name);
}

/** Reads `SET …` and `REMOVE …` statements. @throws InvalidRule */
export function readAction(sql: string, parameters: SqlParameters): Action {
  const reader = new ExpressionReader(sql, parameters);
  const statements: Action[] = [];
  while (!reader.isAtEnd) {
    if (reader.takes("SET")) statements.push(setStatement(reader));
    else {
      reader.expect("REMOVE");
      statements.push(removeStatement(reader));
    }
    while (reader.takes(";"));
  }
  return (content) => statements.reduce((changed, statement) => statement(changed), content);
}
