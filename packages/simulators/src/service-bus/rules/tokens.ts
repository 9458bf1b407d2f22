/** A rule's SQL cannot be read; the service answers that the rule is invalid. */
export class InvalidRule extends Error {
  override readonly name = "InvalidRule";
}

/** A word of the service's SQL. Words and operators are told apart from literals and quoted names. */
export interface Token {
  readonly kind: "word" | "name" | "text" | "number" | "sign" | "end";
  readonly text: string;
}

// A quoted name is in brackets or double quotes, a text in single ones; a quote inside is doubled.
const pattern =
  /\s*(?:(?<text>'(?:[^']|'')*')|(?<name>\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*")|(?<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_#@][\w$#@-]*)|(?<sign><>|!=|<=|>=|[=<>+\-*/%().,;]))/y;

function unquoted(quoted: string): string {
  const end = quoted.at(-1) ?? "";
  return quoted.slice(1, -1).replaceAll(end + end, end);
}

/** The words of a filter or an action. @throws InvalidRule */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (sql.slice(position).trim() !== "") {
    pattern.lastIndex = position;
    const groups = pattern.exec(sql)?.groups;
    if (groups === undefined) {
      throw new InvalidRule(`The expression could not be read at position ${String(position)}: '${sql}'.`);
    }
    position = pattern.lastIndex;
    const { text, name, number, word, sign } = groups;
    if (text !== undefined) tokens.push({ kind: "text", text: unquoted(text) });
    else if (name !== undefined) tokens.push({ kind: "name", text: unquoted(name) });
    else if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
  }
  return [...tokens, { kind: "end", text: "" }];
}
