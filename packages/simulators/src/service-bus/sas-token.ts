import { createHmac, timingSafeEqual } from "node:crypto";
import type { Claim, SharedAccessKey } from "./options.ts";
import { texts } from "./texts.ts";

/** A token that was checked: what it lets its holder do until when, or why it is not accepted. */
export type TokenVerdict =
  | {
      readonly valid: true;
      readonly claims: readonly Claim[];
      readonly expiresAt: number;
      readonly keyName?: string;
    }
  | { readonly valid: false; readonly text: string; readonly keyName?: string };

/** The path of an entity inside an audience, a resource or an address, whatever the scheme: lower case, no outer `/`. */
export function entityPath(resource: string): string {
  return resource
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "")
    .replace(/\?.*$/, "")
    .replace(/^\/+|\/+$/g, "")
    .toLowerCase();
}

/** Whether a right on `resource` covers `path`: the namespace covers all, an entity what is below it. */
export function covers(resource: string, path: string): boolean {
  return resource === "" || resource === path || path.startsWith(`${resource}/`);
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Checks a `SharedAccessSignature sr=…&sig=…&se=…&skn=…`: signature, expiry, and that its resource covers the audience. */
export function verifySasToken(
  token: string,
  audience: string,
  keys: readonly SharedAccessKey[],
  now: number,
): TokenVerdict {
  const [scheme, fields] = token.trim().split(/\s+/, 2);
  if (scheme?.toLowerCase() !== "sharedaccesssignature" || fields === undefined) {
    return { valid: false, text: texts.malformedToken };
  }
  const values = new Map<string, string>();
  for (const field of fields.split("&")) {
    const equals = field.indexOf("=");
    if (equals > 0) values.set(field.slice(0, equals), field.slice(equals + 1));
  }
  const [sr, sig, se, skn] = ["sr", "sig", "se", "skn"].map((name) => values.get(name));
  if (sr === undefined || sig === undefined || se === undefined || skn === undefined || !/^\d+$/.test(se)) {
    return { valid: false, text: texts.malformedToken };
  }
  let resource: string, signature: string, keyName: string;
  try {
    [resource, signature, keyName] = [
      decodeURIComponent(sr),
      decodeURIComponent(sig),
      decodeURIComponent(skn),
    ];
  } catch {
    return { valid: false, text: texts.malformedToken };
  }
  const key = keys.find((candidate) => candidate.name === keyName);
  // The signature is over the resource exactly as encoded in the token, a line feed, and the expiry.
  const expected = key && createHmac("sha256", key.key).update(`${sr}\n${se}`).digest("base64");
  if (key === undefined || expected === undefined || !sameText(expected, signature)) {
    return { valid: false, text: texts.invalidSignature, keyName };
  }
  const expiresAt = Number(se) * 1_000;
  if (expiresAt <= now) return { valid: false, text: texts.tokenExpired(expiresAt), keyName };
  if (!covers(entityPath(resource), entityPath(audience))) {
    return { valid: false, text: texts.invalidAudience, keyName };
  }
  return { valid: true, claims: key.claims, expiresAt, keyName };
}

/** Checks a JSON Web Token as far as a simulator can: three parts, a payload, not expired. Any issuer will do. */
export function verifyJwt(token: string, now: number): TokenVerdict {
  const parts = token.split(".");
  let expiry: unknown;
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString("utf8"));
    expiry = typeof payload === "object" && payload !== null && "exp" in payload ? payload.exp : undefined;
  } catch {
    // An opaque token, as tests use: accepted as long as there is one.
    expiry = undefined;
  }
  if (token === "") return { valid: false, text: texts.missingToken };
  const expiresAt = typeof expiry === "number" ? expiry * 1_000 : Infinity;
  if (expiresAt <= now) return { valid: false, text: texts.tokenExpired(expiresAt) };
  return { valid: true, claims: ["Send", "Listen", "Manage"], expiresAt };
}
