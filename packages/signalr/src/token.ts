/** What Azure SignalR takes; a longer one is refused with 413, or breaks the request in a browser. */
export const maxTokenLength = 4_096;

/**
 * The milliseconds that a JSON Web Token lives from its issue, or else from now: the issuer's own dates are preferred, as
 * clocks differ. It is not verified. Undefined for any other token, or one that does not end.
 */
export function lifetimeMs(token: string, wallNowMs: number): number | undefined {
  const { exp, nbf, iat = nbf } = claimsOf(token) ?? {};
  if (typeof exp !== "number") return undefined;
  return exp * 1_000 - (typeof iat === "number" ? iat * 1_000 : wallNowMs);
}

/** What a JSON Web Token says; undefined for anything else. */
export function claimsOf(token: string): Record<string, unknown> | undefined {
  const [, payload] = token.split(".");
  try {
    const text = atob((payload as string).replace(/-/g, "+").replace(/_/g, "/"));
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return undefined; // Not a JSON Web Token.
  }
}
