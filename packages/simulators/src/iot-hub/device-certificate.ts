import { createPrivateKey, X509Certificate } from "node:crypto";

/** What a device of X.509 shows, in PEM, and what the hub knows it by. */
export interface DeviceCertificate {
  readonly cert: string;
  /** Encrypted when there is a passphrase. */
  readonly key: string;
  readonly passphrase?: string;
  /** SHA-1, in hexadecimal: for `primaryThumbprint` or `secondaryThumbprint`. */
  readonly thumbprint: string;
}

const DAY_MS = 86_400_000;

/**
 * Makes a self-signed client certificate, valid for a week, for tests.
 * @param commonName - the hub compares nothing but the thumbprint; by convention the device's id
 */
export async function makeDeviceCertificate(
  commonName: string,
  { passphrase }: { passphrase?: string } = {},
): Promise<DeviceCertificate> {
  const { generate } = await import("selfsigned");
  const now = Date.now();
  const made = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + 7 * DAY_MS),
    extensions: [
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", clientAuth: true },
    ],
  });
  const key =
    passphrase === undefined
      ? made.private
      : createPrivateKey(made.private)
          .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase })
          .toString();
  const thumbprint = new X509Certificate(made.cert).fingerprint.replaceAll(":", "");
  return { cert: made.cert, key, thumbprint, ...(passphrase === undefined ? {} : { passphrase }) };
}
