import type { Exchange } from "./http/exchange.ts";
import { algorithmOf, claimsOf, untimely, verifyToken, type Claims } from "./http/json-web-token.ts";

const ENTRA_AUDIENCE = "https://signalr.azure.com";

function refuse(exchange: Exchange, because?: string): void {
  exchange.answer(401, "", {
    "www-authenticate":
      because === undefined ? "Bearer" : `Bearer error="invalid_token", error_description="${because}"`,
  });
}

/** The claims of a token that an access key signed; answers with 401 when there is no such token. */
export function bearerClaims(exchange: Exchange, keys: readonly string[], nowMs: number): Claims | undefined {
  if (exchange.token === undefined) {
    refuse(exchange);
    return undefined;
  }
  const verdict = verifyToken(exchange.token, keys, nowMs);
  if (verdict.valid) return verdict.claims;
  refuse(exchange, verdict.because);
  return undefined;
}

/** Whether this is a token of Microsoft Entra ID for the service, from any issuer, that has not expired. */
export function isEntraToken(token: string, nowMs: number): boolean {
  if (algorithmOf(token) === "HS256") return false;
  const claims = claimsOf(token);
  if (claims === undefined || untimely(claims, nowMs) !== undefined) return false;
  return typeof claims["aud"] === "string" && claims["aud"].replace(/\/$/, "") === ENTRA_AUDIENCE;
}

/**
 * Whether a token was made for this path. Its host is not compared: behind a custom domain or a proxy the service is
 * known by other names.
 */
export function audienceMatches(audience: unknown, path: string): boolean {
  if (typeof audience !== "string" || !URL.canParse(audience)) return false;
  const { pathname, search } = new URL(audience);
  return (decodeURIComponent(pathname) + decodeURIComponent(search)).toLowerCase() === path.toLowerCase();
}
