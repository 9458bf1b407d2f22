/** What Azure SignalR takes; a longer one is refused with 413, or breaks the request in a browser. */
export const maxTokenLength = 4_096;

/** When a token was made and when it ends, in seconds since the epoch, as the issuer's clock has it. */
export interface TokenLife {
  readonly issuedAt: number | undefined;
  readonly expiresAt: number;
}

/** Reads a JSON Web Token's life without verifying it; undefined for any other token, or one that does not end. */
export function tokenLife(token: string): TokenLife | undefined {
  const claims = claimsOf(token);
  const expiresAt = claims?.["exp"];
  if (typeof expiresAt !== "number") return undefined;
  const issuedAt = claims?.["iat"] ?? claims?.["nbf"];
  return { expiresAt, issuedAt: typeof issuedAt === "number" ? issuedAt : undefined };
}

/** The milliseconds that a token lives from now; the issuer's own dates are preferred, as clocks differ. */
export function lifetimeMs({ issuedAt, expiresAt }: TokenLife, wallNowMs: number): number {
  return issuedAt === undefined ? expiresAt * 1_000 - wallNowMs : (expiresAt - issuedAt) * 1_000;
}

/** The error for a token that is too long, naming what makes it so; never the claims' values. */
export function tokenTooLong(token: string): Error {
  const claims = Object.entries(claimsOf(token) ?? {})
    .map(([name, value]) => [name, JSON.stringify(value).length] as const)
    .sort((one, other) => other[1] - one[1])
    .slice(0, 3)
    .map(([name, size]) => `${name} (${String(size)})`);
  const largest = claims.length === 0 ? "" : ` Its largest claims: ${claims.join(", ")}.`;
  return new Error(
    `The access token is ${String(token.length)} characters long; the service takes ${String(maxTokenLength)}.${largest}`,
  );
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // Not a JSON Web Token.
  }
}
