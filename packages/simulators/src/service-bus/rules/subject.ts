import type { MessageContent } from "../message-format.ts";
import type { FilterSubject, SqlValue } from "./values.ts";

function valueOf(value: unknown): SqlValue {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (value instanceof Date) return value;
  // rhea gives longs beyond 2^53 as bytes.
  if (Buffer.isBuffer(value) && value.length === 8) return Number(value.readBigInt64BE());
  return null;
}

/** A message as filters and actions see it. */
export function subjectOf(content: MessageContent): FilterSubject {
  return {
    system(name) {
      switch (name.toLowerCase()) {
        case "contenttype":
          return content.contentType ?? null;
        case "correlationid":
          return content.correlationId ?? null;
        case "label":
        case "subject":
          return content.subject ?? null;
        case "messageid":
          return content.messageId ?? null;
        case "partitionkey":
          return content.partitionKey ?? null;
        case "replyto":
          return content.replyTo ?? null;
        case "replytosessionid":
          return content.replyToSessionId ?? null;
        case "sessionid":
          return content.sessionId ?? null;
        case "timetolive":
          return content.timeToLiveMs ?? null;
        case "to":
          return content.to ?? null;
        default:
          return null;
      }
    },
    user(name) {
      const properties = content.applicationPropertyValues;
      if (Object.hasOwn(properties, name)) return valueOf(properties[name]);
      const wanted = name.toLowerCase();
      const [, value] = Object.entries(properties).find(([key]) => key.toLowerCase() === wanted) ?? [];
      return valueOf(value);
    },
  };
}
