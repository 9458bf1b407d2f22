/** A value of the service's SQL; null stands for an absent property and for "unknown". */
export type SqlValue = string | number | boolean | Date | null;

/** Values for names with `@`, by name, `@` included; case-insensitive. */
export type SqlParameters = Readonly<Record<string, string | number | boolean | Date>>;

/** A message, as a filter sees it. Names are case-insensitive. */
export interface FilterSubject {
  /** A property of the message itself: `MessageId`, `Label`, … */
  readonly system: (name: string) => SqlValue;
  /** An application property. */
  readonly user: (name: string) => SqlValue;
}

/** A filter could not be evaluated on a message. */
export class FilterFailure extends Error {
  override readonly name = "FilterFailure";
}

/** -1, 0 or 1; null when the two cannot be compared. */
export function compare(left: SqlValue, right: SqlValue): number | null {
  const [a, b] = [left, right].map((value) => (value instanceof Date ? value.getTime() : value));
  if (a == null || b == null || typeof a !== typeof b) return null;
  if (left instanceof Date !== right instanceof Date) return null;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The truth of three-valued logic: true, false, or null for unknown. */
export function truthOf(value: SqlValue): boolean | null {
  return typeof value === "boolean" ? value : null;
}

/** Whether a text matches a pattern of LIKE: `%` any characters, `_` one. */
export function isLike(value: SqlValue, pattern: SqlValue, escape?: string): boolean | null {
  if (typeof value !== "string" || typeof pattern !== "string") return null;
  let expression = "";
  for (let index = 0; index < pattern.length; index++) {
    let character = pattern.charAt(index);
    const isEscaped = escape !== undefined && character === escape;
    if (isEscaped) character = pattern.charAt(++index);
    if (!isEscaped && character === "%") expression += ".*";
    else if (!isEscaped && character === "_") expression += ".";
    else expression += character.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  }
  return new RegExp(`^${expression}$`, "s").test(value);
}

/** `+ - * / %`; null when one side is. @throws FilterFailure for a division by zero or sides that are no numbers */
export function arithmetic(sign: string, left: SqlValue, right: SqlValue): SqlValue {
  if (left === null || right === null) return null;
  if (sign === "+" && typeof left === "string" && typeof right === "string") return left + right;
  if (typeof left !== "number" || typeof right !== "number") {
    throw new FilterFailure(`Operator '${sign}' needs numbers.`);
  }
  if ((sign === "/" || sign === "%") && right === 0) throw new FilterFailure("Attempted to divide by zero.");
  switch (sign) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return Number.isInteger(left) && Number.isInteger(right) ? Math.trunc(left / right) : left / right;
    default:
      return left % right;
  }
}
