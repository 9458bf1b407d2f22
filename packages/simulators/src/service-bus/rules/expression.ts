import { randomUUID } from "node:crypto";
import { InvalidRule, tokensOf, type Token } from "./tokens.ts";
import {
  arithmetic,
  compare,
  isLike,
  truthOf,
  type FilterSubject,
  type SqlParameters,
  type SqlValue,
} from "./values.ts";

/** An expression that was read, ready to be evaluated on messages. */
export type Expression = (subject: FilterSubject) => SqlValue;

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  "=": (order) => order === 0,
  "<>": (order) => order !== 0,
  "!=": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

/** Reads the service's SQL by recursive descent: OR < AND < NOT < predicate < sum < product < sign < value. */
export class ExpressionReader {
  readonly #tokens: readonly Token[];
  readonly #sql: string;
  readonly #parameters: ReadonlyMap<string, SqlValue>;
  #position = 0;

  /** @throws InvalidRule */
  constructor(sql: string, parameters: SqlParameters) {
    this.#sql = sql;
    this.#parameters = new Map(
      Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value] as const),
    );
    this.#tokens = tokensOf(sql);
  }

  get isAtEnd(): boolean {
    return this.#peek().kind === "end";
  }

  /** Takes a keyword or a sign if it comes next. */
  takes(text: string): boolean {
    const { kind, text: found } = this.#peek();
    const isIt = (kind === "word" || kind === "sign") && found.toUpperCase() === text;
    if (isIt) this.#position += 1;
    return isIt;
  }

  /** @throws InvalidRule unless it comes next */
  expect(text: string): void {
    if (!this.takes(text)) throw this.#unexpected();
  }

  /** A condition. @throws InvalidRule */
  condition(): Expression {
    let left = this.#conjunction();
    while (this.takes("OR")) {
      const [a, b] = [left, this.#conjunction()];
      left = (subject) => {
        const first = truthOf(a(subject));
        if (first === true) return true;
        const second = truthOf(b(subject));
        return second === true ? true : first === null || second === null ? null : false;
      };
    }
    return left;
  }

  /** A property's scope and name. @throws InvalidRule */
  property(): { scope: "sys" | "user"; name: string } {
    const first = this.#next();
    if (first.kind !== "word" && first.kind !== "name") throw this.#unexpected(first);
    const scope = first.text.toLowerCase();
    if (first.kind === "word" && (scope === "sys" || scope === "user") && this.takes(".")) {
      const name = this.#next();
      if (name.kind !== "word" && name.kind !== "name") throw this.#unexpected(name);
      return { scope, name: name.text };
    }
    return { scope: "user", name: first.text };
  }

  /** An arithmetic expression. @throws InvalidRule */
  sum(): Expression {
    return this.#leftToRight(["+", "-"], () => this.#product());
  }

  #conjunction(): Expression {
    let left = this.#negation();
    while (this.takes("AND")) {
      const [a, b] = [left, this.#negation()];
      left = (subject) => {
        const first = truthOf(a(subject));
        if (first === false) return false;
        const second = truthOf(b(subject));
        return second === false ? false : first === null || second === null ? null : true;
      };
    }
    return left;
  }

  #negation(): Expression {
    if (!this.takes("NOT")) return this.#predicate();
    const inner = this.#negation();
    return (subject) => {
      const truth = truthOf(inner(subject));
      return truth === null ? null : !truth;
    };
  }

  #predicate(): Expression {
    if (this.takes("EXISTS")) {
      this.expect("(");
      const value = this.#propertyValue();
      this.expect(")");
      return (subject) => value(subject) !== null;
    }
    const left = this.sum();
    if (this.takes("IS")) {
      const isNegated = this.takes("NOT");
      this.expect("NULL");
      return (subject) => (left(subject) === null) !== isNegated;
    }
    const isNegated = this.takes("NOT");
    const negated = (truth: boolean | null): boolean | null => (truth === null ? null : truth !== isNegated);
    if (this.takes("LIKE")) {
      const pattern = this.sum();
      const escape = this.takes("ESCAPE") ? this.#next().text : undefined;
      return (subject) => negated(isLike(left(subject), pattern(subject), escape));
    }
    if (this.takes("IN")) {
      const choices = this.#list();
      return (subject) => {
        const value = left(subject);
        if (value === null) return null;
        return negated(choices.some((choice) => compare(value, choice(subject)) === 0));
      };
    }
    if (isNegated) throw this.#unexpected();
    const holds = comparisons[this.#peek().kind === "sign" ? this.#peek().text : ""];
    if (holds === undefined) return left;
    this.#position += 1;
    const right = this.sum();
    return (subject) => {
      const order = compare(left(subject), right(subject));
      return order === null ? null : holds(order);
    };
  }

  #list(): Expression[] {
    this.expect("(");
    const items = [this.sum()];
    while (this.takes(",")) items.push(this.sum());
    this.expect(")");
    return items;
  }

  #product(): Expression {
    return this.#leftToRight(["*", "/", "%"], () => this.#signed());
  }

  #leftToRight(signs: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    for (;;) {
      const sign = signs.find((candidate) => this.takes(candidate));
      if (sign === undefined) return left;
      const [a, b] = [left, operand()];
      left = (subject) => arithmetic(sign, a(subject), b(subject));
    }
  }

  #signed(): Expression {
    if (this.takes("+")) return this.#signed();
    if (!this.takes("-")) return this.#value();
    const inner = this.#signed();
    return (subject) => arithmetic("-", 0, inner(subject));
  }

  #value(): Expression {
    if (this.takes("(")) {
      const inner = this.condition();
      this.expect(")");
      return inner;
    }
    const token = this.#peek();
    if (token.kind === "text" || token.kind === "number") {
      this.#position += 1;
      const value = token.kind === "text" ? token.text : Number(token.text);
      return () => value;
    }
    if (token.kind === "word" && token.text.startsWith("@")) {
      this.#position += 1;
      const value = this.#parameters.get(token.text.toLowerCase());
      if (value === undefined) throw new InvalidRule(`The parameter '${token.text}' has no value.`);
      return () => value;
    }
    for (const [word, value] of [
      ["TRUE", true],
      ["FALSE", false],
      ["NULL", null],
    ] as const) {
      if (this.takes(word)) return () => value;
    }
    return this.#propertyValue();
  }

  #propertyValue(): Expression {
    const { scope, name } = this.property();
    if (scope === "sys") return (subject) => subject.system(name);
    if (!this.takes("(")) return (subject) => subject.user(name);
    return this.#function(name.toLowerCase());
  }

  #function(name: string): Expression {
    if (name === "newid") {
      this.expect(")");
      return () => randomUUID();
    }
    if (name !== "property" && name !== "p") throw new InvalidRule(`Unknown function '${name}'.`);
    const argument = this.sum();
    this.expect(")");
    return (subject) => {
      const property = argument(subject);
      return typeof property === "string" ? subject.user(property) : null;
    };
  }

  #peek(): Token {
    return this.#tokens[this.#position] ?? { kind: "end", text: "" };
  }

  #next(): Token {
    const token = this.#peek();
    this.#position += 1;
    return token;
  }

  #unexpected(token = this.#peek()): InvalidRule {
    const found = token.kind === "end" ? "end of the expression" : `'${token.text}'`;
    return new InvalidRule(`Unexpected ${found} in '${this.#sql}'.`);
  }
}

/** Reads a filter. @throws InvalidRule */
export function readFilter(sql: string, parameters: SqlParameters = {}): Expression {
  const reader = new ExpressionReader(sql, parameters);
  const expression = reader.condition();
  if (!reader.isAtEnd) throw new InvalidRule(`The expression '${sql}' goes on after its end.`);
  return expression;
}
