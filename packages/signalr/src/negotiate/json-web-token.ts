import type { Claims } from "./claims.ts";

const encoder = new TextEncoder();

/** The length of an HMAC SHA-256 in base64url. */
const SIGNATURE_CHARS = 43;
const header = base64Url(encoder.encode(JSON.stringify({ alg: "HS256", kid: "primary", typ: "JWT" })));

/** Signs tokens with HMAC SHA-256 by the platform's own cryptography: Node, edge runtimes and browsers have it. */
export class KeySigner {
  readonly #accessKey: string;
  #key: Promise<CryptoKey> | undefined;

  constructor(accessKey: string) {
    this.#accessKey = accessKey;
  }

  async sign(claims: Claims): Promise<string> {
    this.#key ??= crypto.subtle.importKey(
      "raw",
      encoder.encode(this.#accessKey),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    const signed = `${header}.${base64Url(encoder.encode(JSON.stringify(claims)))}`;
    const signature = await crypto.subtle.sign("HMAC", await this.#key, encoder.encode(signed));
    return `${signed}.${base64Url(new Uint8Array(signature))}`;
  }
}

/** How long a token with these claims will be, in characters. */
export function tokenLength(claims: Claims): number {
  const payloadBytes = encoder.encode(JSON.stringify(claims)).length;
  return header.length + 1 + Math.ceil((payloadBytes * 4) / 3) + 1 + SIGNATURE_CHARS;
}

function base64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
