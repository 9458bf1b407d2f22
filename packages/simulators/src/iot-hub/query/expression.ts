import { isObject, type JsonObject } from "../twin.ts";
import { functions } from "./functions.ts";
import type { TokenReader } from "./tokens.ts";

/** Computes something of a document; undefined for what is not there. */
export type Expression = (document: JsonObject) => unknown;

const literals: Readonly<Record<string, unknown>> = { TRUE: true, FALSE: false, NULL: null };

const compare: Readonly<Record<string, (left: never, right: never) => boolean>> = {
  "<": (left, right) => left < right,
  "<=": (left, right) => left <= right,
  ">": (left, right) => left > right,
  ">=": (left, right) => left >= right,
};

const compute: Readonly<Record<string, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};

const equals = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

/** `a.b.c`, with the name of what is queried before it or not. @throws SyntaxError */
export function readPath(reader: TokenReader, first = reader.name()): readonly string[] {
  const path = [first];
  while (reader.accept(".") !== undefined) path.push(reader.name());
  const [head = "", second = ""] = path;
  if (head.toLowerCase() !== "devices" || path.length < 2) return path;
  return path.slice(["modules", "jobs"].includes(second.toLowerCase()) && path.length > 2 ? 2 : 1);
}

/** Looks a path up. */
export function valueAt(document: JsonObject, path: readonly string[]): unknown {
  let value: unknown = document;
  for (const name of path) value = isObject(value) ? value[name] : undefined;
  return value;
}

/** Reads a condition. @throws SyntaxError */
export function readExpression(reader: TokenReader): Expression {
  let left = readConjunction(reader);
  while (reader.accept("OR") !== undefined) {
    const [before, after] = [left, readConjunction(reader)];
    left = (document) => before(document) === true || after(document) === true;
  }
  return left;
}

function readConjunction(reader: TokenReader): Expression {
  let left = readNegation(reader);
  while (reader.accept("AND") !== undefined) {
    const [before, after] = [left, readNegation(reader)];
    left = (document) => before(document) === true && after(document) === true;
  }
  return left;
}

function readNegation(reader: TokenReader): Expression {
  if (reader.accept("NOT") === undefined) return readComparison(reader);
  const operand = readNegation(reader);
  return (document) => operand(document) !== true;
}

function readComparison(reader: TokenReader): Expression {
  const left = readSum(reader);
  const negated = reader.accept("NOT") !== undefined;
  if (reader.accept("IN", "NIN") !== undefined) {
    const values = readList(reader);
    return (document) => values.some((value) => equals(value(document), left(document))) !== negated;
  }
  const operator = reader.accept("=", "!=", "<>", "<=", ">=", "<", ">");
  if (operator === undefined) return left;
  const right = readSum(reader);
  return (document) => {
    const [a, b] = [left(document), right(document)];
    // What is not there is neither equal nor unequal to anything.
    if (a === undefined || b === undefined) return false;
    if (operator === "=") return equals(a, b);
    if (operator === "!=" || operator === "<>") return !equals(a, b);
    return typeof a === typeof b && compare[operator]?.(a as never, b as never) === true;
  };
}

function readList(reader: TokenReader): Expression[] {
  const end = reader.accept("[", "(") === "(" ? ")" : "]";
  const values = [readSum(reader)];
  while (reader.accept(",") !== undefined) values.push(readSum(reader));
  reader.expect(end);
  return values;
}

function readSum(reader: TokenReader): Expression {
  return readChain(reader, ["+", "-"], (inner) => readChain(inner, ["*", "/", "%"], readOperand));
}

function readChain(
  reader: TokenReader,
  operators: readonly string[],
  readPart: (reader: TokenReader) => Expression,
): Expression {
  let left = readPart(reader);
  for (;;) {
    const operator = reader.accept(...operators);
    if (operator === undefined) return left;
    const [before, after] = [left, readPart(reader)];
    left = (document) => {
      const [a, b] = [before(document), after(document)];
      return typeof a === "number" && typeof b === "number" ? compute[operator]?.(a, b) : undefined;
    };
  }
}

function readOperand(reader: TokenReader): Expression {
  if (reader.accept("(") !== undefined) {
    const inner = readExpression(reader);
    reader.expect(")");
    return inner;
  }
  if (reader.accept("-") !== undefined) {
    const operand = readOperand(reader);
    return (document) => -Number(operand(document));
  }
  const token = reader.take();
  if (token.kind === "value") return () => token.value;
  if (token.kind === "operator") throw new SyntaxError(`Syntax error near '${token.text}'.`);
  const word = token.text.toUpperCase();
  if (Object.hasOwn(literals, word)) return () => literals[word];
  if (reader.accept("(") !== undefined) return readCall(reader, word);
  const path = readPath(reader, token.text);
  return (document) => valueAt(document, path);
}

function readCall(reader: TokenReader, name: string): Expression {
  const call = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (call === undefined) throw new SyntaxError(`There is no function '${name}'.`);
  const args: Expression[] = [];
  if (reader.accept(")") === undefined) {
    do args.push(readExpression(reader));
    while (reader.accept(",") !== undefined);
    reader.expect(")");
  }
  return (document) => call(...args.map((argument) => argument(document)));
}
