import type { JsonObject } from "../twin.ts";
import { readExpression, readPath, valueAt, type Expression } from "./expression.ts";
import { TokenReader, tokensOf } from "./tokens.ts";

// "Query expressions can have a maximum length of 8192 characters."
const MAX_LENGTH = 8_192;

/** What can be queried. */
export type QuerySource = "devices" | "devices.modules" | "devices.jobs";

/** A query, understood. */
export interface Query {
  readonly from: QuerySource;
  /** Whether it asks for whole documents (`SELECT *`). */
  readonly isWhole: boolean;
  run(documents: readonly JsonObject[]): JsonObject[];
}

type Aggregate = (values: readonly unknown[]) => number;

const numbers = (values: readonly unknown[]): number[] =>
  values.filter((value): value is number => typeof value === "number");
const sum = (values: readonly unknown[]): number =>
  numbers(values).reduce((total, value) => total + value, 0);

const aggregates: Readonly<Record<string, Aggregate>> = {
  COUNT: (values) => values.length,
  SUM: sum,
  AVG: (values) => sum(values) / numbers(values).length,
  MIN: (values) => Math.min(...numbers(values)),
  MAX: (values) => Math.max(...numbers(values)),
};

/** One item of the select list. */
interface Column {
  readonly name: string;
  readonly path: readonly string[];
  readonly aggregate?: Aggregate;
}

/**
 * Understands a query. https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 * @throws SyntaxError
 */
export function parseQuery(text: string): Query {
  if (text.length > MAX_LENGTH) throw new SyntaxError("The query is longer than 8192 characters.");
  const reader = new TokenReader(tokensOf(text));
  reader.expect("SELECT");
  const top = reader.accept("TOP") === undefined ? undefined : reader.take();
  const columns = reader.accept("*") === undefined ? readColumns(reader) : undefined;
  reader.expect("FROM");
  const from = readSource(reader);
  const where: Expression = reader.accept("WHERE") === undefined ? () => true : readExpression(reader);
  const groups: (readonly string[])[] = [];
  if (reader.accept("GROUP") !== undefined) {
    reader.expect("BY");
    do groups.push(readPath(reader));
    while (reader.accept(",") !== undefined);
  }
  if (!reader.isAtEnd) throw new SyntaxError("The query goes on after its end.");
  const limit = top?.kind === "value" ? Number(top.value) : Infinity;
  return {
    from,
    isWhole: columns === undefined,
    run: (documents) => {
      const found = documents.filter((document) => where(document) === true);
      return (columns === undefined ? found : select(found, columns, groups)).slice(0, limit);
    },
  };
}

function readSource(reader: TokenReader): QuerySource {
  const parts = [reader.name()];
  while (reader.accept(".") !== undefined) parts.push(reader.name());
  const name = parts.join(".").toLowerCase();
  if (name === "devices" || name === "devices.modules" || name === "devices.jobs") return name;
  throw new SyntaxError(`'${parts.join(".")}' cannot be queried.`);
}

function readColumns(reader: TokenReader): Column[] {
  const columns: Column[] = [];
  do {
    const first = reader.name();
    const aggregate = Object.hasOwn(aggregates, first.toUpperCase())
      ? aggregates[first.toUpperCase()]
      : undefined;
    const isCall = aggregate !== undefined && reader.accept("(") !== undefined;
    let path: readonly string[] = [];
    if (!isCall) path = readPath(reader, first);
    else if (reader.accept(")") === undefined) {
      path = readPath(reader);
      reader.expect(")");
    }
    const alias = reader.accept("AS") === undefined ? undefined : reader.name();
    columns.push({
      name: alias ?? path.at(-1) ?? first.toLowerCase(),
      path,
      ...(isCall ? { aggregate } : {}),
    });
  } while (reader.accept(",") !== undefined);
  return columns;
}

function select(
  documents: readonly JsonObject[],
  columns: readonly Column[],
  groups: readonly (readonly string[])[],
): JsonObject[] {
  if (groups.length === 0 && columns.every(({ aggregate }) => aggregate === undefined)) {
    return documents.map((document) => row([document], columns));
  }
  const grouped = new Map<string, JsonObject[]>(groups.length === 0 ? [["", []]] : []);
  for (const document of documents) {
    const key =
      groups.length === 0 ? "" : JSON.stringify(groups.map((path) => valueAt(document, path) ?? null));
    grouped.set(key, [...(grouped.get(key) ?? []), document]);
  }
  return [...grouped.values()].map((members) => row(members, columns));
}

function row(members: readonly JsonObject[], columns: readonly Column[]): JsonObject {
  const cells = columns.map(({ name, path, aggregate }) => {
    const values = members.map((member) => valueAt(member, path));
    if (aggregate === undefined) return [name, values[0]];
    return [name, aggregate(path.length === 0 ? values : values.filter((value) => value !== undefined))];
  });
  return Object.fromEntries(cells.filter(([, value]) => value !== undefined)) as JsonObject;
}
