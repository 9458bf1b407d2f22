import { createHmac, timingSafeEqual } from "node:crypto";

/** The fields of a `SharedAccessSignature sr=…&sig=…&se=…[&skn=…]`. */
export interface SasToken {
  /** As encoded in the token: what the signature is over. */
  readonly encodedResource: string;
  readonly resource: string;
  readonly signature: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** Name of a policy of the hub; undefined for a device's own key. */
  readonly keyName: string | undefined;
}

/** Takes a token apart; undefined when it is not one. The order of the fields does not matter. */
export function parseSasToken(text: string): SasToken | undefined {
  const [scheme, fields] = text.trim().split(/\s+/, 2);
  if (scheme?.toLowerCase() !== "sharedaccesssignature" || fields === undefined) return undefined;
  const values = new Map<string, string>();
  for (const field of fields.split("&")) {
    const equals = field.indexOf("=");
    if (equals > 0) values.set(field.slice(0, equals), field.slice(equals + 1));
  }
  const [sr, sig, se, skn] = ["sr", "sig", "se", "skn"].map((name) => values.get(name));
  if (sr === undefined || sig === undefined || se === undefined || !/^\d+$/.test(se)) return undefined;
  try {
    return {
      encodedResource: sr,
      resource: decodeURIComponent(sr),
      signature: decodeURIComponent(sig),
      expiresAt: Number(se) * 1_000,
      keyName: skn === undefined || skn === "" ? undefined : decodeURIComponent(skn),
    };
  } catch {
    return undefined;
  }
}

/**
 * Whether the token was signed with the key: HMAC-SHA256 over the encoded resource, a line feed and the expiry.
 * @param encoding - of the key: the hub's own tokens take it for base64, those for Event Hubs as it is written
 */
export function isSignedWith(token: SasToken, key: string, encoding: "base64" | "utf8" = "base64"): boolean {
  const expected = createHmac("sha256", Buffer.from(key, encoding))
    .update(`${token.encodedResource}\n${String(token.expiresAt / 1_000)}`)
    .digest();
  const given = Buffer.from(token.signature, "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
