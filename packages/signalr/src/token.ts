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

/** What a JSON Web Token says; undefined for anything else. */
export function claimsOf(token: string): Record<string, unknown> | undefined {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // Not a JSON Web Token.
  }
}
