/** A server certificate for 127.0.0.1 and localhost, and its key, in PEM. The certificate is its own issuer. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const DAY_MS = 86_400_000;

/** Makes a certificate that is valid for a week. Elliptic keys, because RSA ones take a second to find. */
export async function makeCertificate(): Promise<Certificate> {
  const { generate } = await import("selfsigned");
  const now = Date.now();
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    // Clocks of other machines may be a little behind.
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + 7 * DAY_MS),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { key: made.private, cert: made.cert };
}
