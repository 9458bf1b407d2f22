import { claimsOf } from "./token.ts";

/** The error for a token that is too long, naming what makes it so; never the claims' values. */
export function tokenTooLong(token: string, most: number): Error {
  const claims = Object.entries(claimsOf(token) ?? {})
    .map(([name, value]) => [name, JSON.stringify(value).length] as const)
    .sort((one, other) => other[1] - one[1])
    .slice(0, 3)
    .map(([name, size]) => `${name} (${String(size)})`);
  const largest = claims.length === 0 ? "" : ` Its largest claims: ${claims.join(", ")}.`;
  return new Error(
    `The access token is ${String(token.length)} characters long; the service takes ${String(most)}.${largest}`,
  );
}
