import type { Claims } from "./http/json-web-token.ts";
import type { Identity } from "./options.ts";

// Microsoft.Azure.SignalR.Common, ClaimsUtility: user claims of these names would collide with the token's own.
const COLLIDING = new Set([
  "aud",
  "exp",
  "iat",
  "nbf",
  "iss",
  "actort",
  "acr",
  "azp",
  "c_hash",
  "jti",
  "nonce",
]);
const USER_PREFIX = "asrs.u.";
const SYSTEM_PREFIX = "asrs.s.";

/** A user's claims as the service's token carries them. */
export function claimsForToken(claims: Claims): Claims {
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [COLLIDING.has(name) ? USER_PREFIX + name : name, value]),
  );
}

/** The user that a token of the service speaks of: its id, and its claims under their own names. */
export function identityOf(claims: Claims): Identity {
  const id = claims["asrs.s.uid"] ?? claims["nameid"] ?? claims["sub"];
  const own = Object.entries(claims).filter(
    ([name]) => !name.startsWith(SYSTEM_PREFIX) && !COLLIDING.has(name),
  );
  return {
    ...(typeof id === "string" ? { userId: id } : {}),
    claims: Object.fromEntries(
      own.map(([name, value]) => [
        name.startsWith(USER_PREFIX) ? name.slice(USER_PREFIX.length) : name,
        value,
      ]),
    ),
  };
}
