/** What is known about a user, by name. */
export type Claims = Readonly<Record<string, unknown>>;

/** A claim and how much of the token it takes. */
export interface ClaimSize {
  readonly name: string;
  /** Bytes of name and value as JSON; a third more in the token. */
  readonly bytes: number;
}

/** Why a claim is not in the token. */
export interface DroppedClaim extends ClaimSize {
  /** `not-allowed`: not on the list. `reserved`: the service's own prefix. `too-large`: dropped by `greedy`. */
  readonly because: "not-allowed" | "reserved" | "too-large";
}

// Microsoft.Azure.SignalR.Common, ClaimsUtility and Constants.
const SYSTEM_PREFIX = "asrs.s.";
const USER_PREFIX = "asrs.u.";
const COLLIDING: ReadonlySet<string> = new Set([
  ...["aud", "exp", "iat", "nbf", "iss"],
  ...["actort", "acr", "azp", "c_hash", "jti", "nonce"],
]);

/** Whether a name belongs to the service, which would take the claim for its own. */
export function isReserved(name: string): boolean {
  return name.startsWith(SYSTEM_PREFIX);
}

/**
 * User claims under the names that the token needs, as Azure's own SDK has them: those that would collide with the token's
 * own claims get the prefix `asrs.u.`, which the app server's SDK takes off again; so do a second `sub` and any after it.
 */
export function renamed(claims: Claims): Claims {
  const entries = Object.entries(claims).flatMap(([name, value]): [string, unknown][] => {
    if (COLLIDING.has(name)) return [[USER_PREFIX + name, value]];
    if (name !== "sub" || !Array.isArray(value)) return [[name, value]];
    const [first, ...others] = value as unknown[];
    return [
      ["sub", first],
      [`${USER_PREFIX}sub`, others],
    ];
  });
  return Object.fromEntries(entries);
}

/** The claims by size, largest first. */
export function sizesOf(claims: Claims): ClaimSize[] {
  const encoder = new TextEncoder();
  return Object.entries(claims)
    .map(([name, value]) => ({ name, bytes: encoder.encode(JSON.stringify({ [name]: value })).length - 1 }))
    .sort((one, other) => other.bytes - one.bytes);
}
