/** A word of the query language. */
export type Token =
  | { readonly kind: "name" | "operator"; readonly text: string }
  | { readonly kind: "value"; readonly value: string | number };

const PATTERN =
  /\s*(?:(\d+(?:\.\d+)?)|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|\[\[([^\]]+)\]\]|([A-Za-z_$][\w$]*)|(<=|>=|<>|!=|[=<>+\-*/%(),.[\]]))/y;

/** Cuts a query into words. @throws SyntaxError */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const rest = text.trimEnd();
  PATTERN.lastIndex = 0;
  while (PATTERN.lastIndex < rest.length) {
    const at = PATTERN.lastIndex;
    const match = PATTERN.exec(rest);
    if (match === null) throw new SyntaxError(`Syntax error near '${rest.slice(at, at + 20).trim()}'.`);
    const [, digits, single, double, quoted, name, operator] = match;
    if (digits !== undefined) tokens.push({ kind: "value", value: Number(digits) });
    else if (single !== undefined) tokens.push({ kind: "value", value: single.replaceAll("''", "'") });
    else if (double !== undefined) tokens.push({ kind: "value", value: double.replaceAll('""', '"') });
    else if (quoted !== undefined) tokens.push({ kind: "name", text: quoted });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else tokens.push({ kind: "operator", text: operator ?? "" });
  }
  return tokens;
}

/** Reads the words one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#next >= this.#tokens.length;
  }

  /** The next word, which stays where it is. */
  peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  take(): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw new SyntaxError("The query ends too early.");
    this.#next += 1;
    return token;
  }

  /** Takes the next word if it is this keyword or operator, whatever its case. */
  accept(...words: readonly string[]): string | undefined {
    const token = this.peek();
    if (token === undefined || token.kind === "value") return undefined;
    const found = words.find((word) => word === token.text.toUpperCase());
    if (found !== undefined) this.#next += 1;
    return found;
  }

  /** @throws SyntaxError when the next word is another */
  expect(word: string): void {
    if (this.accept(word) === undefined) throw new SyntaxError(`'${word}' is expected.`);
  }

  /** A name. @throws SyntaxError */
  name(): string {
    const token = this.take();
    if (token.kind !== "name") throw new SyntaxError("A name is expected.");
    return token.text;
  }
}
