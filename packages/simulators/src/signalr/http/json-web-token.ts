import { createHmac, timingSafeEqual } from "node:crypto";

/** What a token says. */
export type Claims = Readonly<Record<string, unknown>>;

/** The outcome of looking at a token. */
export type TokenVerdict =
  { readonly valid: true; readonly claims: Claims } | { readonly valid: false; readonly because: string };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const signature = (signed: string, key: string): Buffer => createHmac("sha256", key).update(signed).digest();

/** A token signed with HMAC SHA-256, as Azure SignalR Service and its SDKs sign theirs. */
export function signToken(claims: Claims, key: string, keyId = "primary"): string {
  const signed = `${encode({ alg: "HS256", kid: keyId, typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${signature(signed, key).toString("base64url")}`;
}

function decoded(part: string | undefined): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? "", "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** The claims of a token, whoever signed it; undefined when it is none. */
export function claimsOf(token: string): Claims | undefined {
  return decoded(token.split(".")[1]);
}

/** The algorithm a token says it is signed with. */
export function algorithmOf(token: string): unknown {
  return decoded(token.split(".")[0])?.["alg"];
}

/** Why the times of a token make it invalid now; undefined when they do not. */
export function untimely(claims: Claims, nowMs: number): string | undefined {
  const { exp, nbf } = claims;
  if (typeof exp !== "number") return "The token has no expiration.";
  if (exp * 1_000 <= nowMs) return "The token expired.";
  // A clock may be a little behind the issuer's.
  if (typeof nbf === "number" && nbf * 1_000 > nowMs + 300_000) return "The token is not yet valid.";
  return undefined;
}

/** Checks signature and times. @param keys - any of them may have signed @param nowMs - since the Unix epoch */
export function verifyToken(token: string, keys: readonly string[], nowMs: number): TokenVerdict {
  const parts = token.split(".");
  const claims = claimsOf(token);
  if (parts.length !== 3 || claims === undefined) return { valid: false, because: "The token is malformed." };
  if (algorithmOf(token) !== "HS256") return { valid: false, because: "The token is not signed with HS256." };
  const given = Buffer.from(parts[2] ?? "", "base64url");
  const genuine = keys.some((key) => {
    const expected = signature(`${parts[0] ?? ""}.${parts[1] ?? ""}`, key);
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
  if (!genuine) return { valid: false, because: "The signature is invalid." };
  const because = untimely(claims, nowMs);
  return because === undefined ? { valid: true, claims } : { valid: false, because };
}
