import { isObject } from "../twin.ts";

const isPrimitive = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);

type Act<Subject> = (subject: Subject, ...rest: never[]) => unknown;

const onText =
  (act: Act<string>) =>
  (text: unknown, ...rest: unknown[]): unknown =>
    typeof text === "string" ? act(text, ...(rest as never[])) : undefined;

const onNumber =
  (act: Act<number>) =>
  (value: unknown, ...rest: unknown[]): unknown =>
    typeof value === "number" ? act(value, ...(rest as never[])) : undefined;

/**
 * The functions of the query language, by their names in capitals.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language#functions
 */
export const functions: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  IS_DEFINED: (value) => value !== undefined,
  IS_NULL: (value) => value === null,
  IS_BOOL: (value) => typeof value === "boolean",
  IS_NUMBER: (value) => typeof value === "number",
  IS_STRING: (value) => typeof value === "string",
  IS_OBJECT: (value) => isObject(value),
  IS_ARRAY: (value) => Array.isArray(value),
  IS_PRIMITIVE: (value) => value === null || isPrimitive(value),
  ABS: onNumber((value) => Math.abs(value)),
  EXP: onNumber((value) => Math.exp(value)),
  POWER: onNumber((value, exponent: number) => value ** exponent),
  SQUARE: onNumber((value) => value * value),
  SQRT: onNumber((value) => Math.sqrt(value)),
  CEILING: onNumber((value) => Math.ceil(value)),
  FLOOR: onNumber((value) => Math.floor(value)),
  SIGN: onNumber((value) => Math.sign(value)),
  CONCAT: (...parts) => parts.map(String).join(""),
  LENGTH: onText((text) => text.length),
  LOWER: onText((text) => text.toLowerCase()),
  UPPER: onText((text) => text.toUpperCase()),
  SUBSTRING: onText((text, start: number, length?: number) =>
    text.slice(start, length === undefined ? undefined : start + length),
  ),
  INDEX_OF: onText((text, part: string) => text.indexOf(part)),
  STARTS_WITH: onText((text, part: string) => text.startsWith(part)),
  STARTSWITH: onText((text, part: string) => text.startsWith(part)),
  ENDS_WITH: onText((text, part: string) => text.endsWith(part)),
  ENDSWITH: onText((text, part: string) => text.endsWith(part)),
  CONTAINS: onText((text, part: string) => text.includes(part)),
};
