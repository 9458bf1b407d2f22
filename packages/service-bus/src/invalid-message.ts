import { HoldfastError } from "@holdfast/core";
import type { MessageFields } from "./outgoing-message.ts";

/** Names a place in a message for an error: `messages[3].messageId`, or `message.messageId` for a single one. */
export type Naming = (field: keyof MessageFields) => string;

/** An error for a message that must not be sent. */
export function invalid(text: string): HoldfastError {
  return new HoldfastError("invalid-message", text);
}

/** What a value is, without showing it. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return value === undefined ? "undefined" : `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const { constructor } = value as { constructor?: unknown };
  const className = typeof constructor === "function" ? constructor.name : "";
  return className === "" || className === "Object" ? "an object" : `an object (${className})`;
}
