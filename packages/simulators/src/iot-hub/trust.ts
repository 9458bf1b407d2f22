import tls from "node:tls";

/**
 * Lets every TLS client of this process trust one more certificate, as `NODE_EXTRA_CA_CERTS` does from the start of
 * a process. For what cannot be told: `azure-iothub`, and the storage client behind the device client's file uploads.
 * For tests; it replaces `tls.createSecureContext`.
 * @param ca - in PEM: the `ca` of a simulator
 * @returns a function that takes it back
 */
export function trustCertificate(ca: string): () => void {
  const original = tls.createSecureContext;
  let isTrusted = true;
  const replaced: typeof tls.createSecureContext = (options) => {
    const made = original(options);
    if (isTrusted) (made.context as { addCACert(pem: string): void }).addCACert(ca);
    return made;
  };
  tls.createSecureContext = replaced;
  return () => {
    isTrusted = false;
    // Someone else may have replaced it since; then ours stays, and does nothing.
    if (tls.createSecureContext === replaced) tls.createSecureContext = original;
  };
}
