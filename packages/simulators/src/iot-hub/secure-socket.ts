import type { Socket } from "node:net";
import { createSecureContext, TLSSocket, type PeerCertificate } from "node:tls";
import type { Certificate } from "../sockets/certificate.ts";

/** A TLS connection of a client. */
export interface SecureSocket {
  readonly stream: TLSSocket;
  /** Fingerprints of the client's certificate, if it showed one: SHA-1 and SHA-256, lower case, without colons. */
  readonly thumbprints: readonly string[];
}

/** Starts TLS on an accepted socket; asks for a client certificate and takes any. */
export function secureWith(
  certificate: Certificate,
): (socket: Socket, ready: (secured: SecureSocket) => void) => void {
  const secureContext = createSecureContext({
    key: certificate.key,
    cert: certificate.cert,
    // Without it OpenSSL refuses the resumption of a session in which a client certificate was asked for.
    sessionIdContext: "simulated-iot-hub",
  });
  return (socket, ready) => {
    const stream = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      requestCert: true,
      rejectUnauthorized: false,
    });
    stream.on("error", () => undefined);
    stream.once("secure", () => {
      const { fingerprint, fingerprint256 } = stream.getPeerCertificate() as Partial<PeerCertificate>;
      const thumbprints = [fingerprint, fingerprint256]
        .filter((print) => print !== undefined)
        .map((print) => print.replaceAll(":", "").toLowerCase());
      ready({ stream, thumbprints });
    });
  };
}

/** Waits for the first bytes of a client, leaves them to be read, and calls back with them. */
export function peek(stream: TLSSocket, tell: (first: Buffer) => void): void {
  stream.once("data", (first: Buffer) => {
    stream.pause();
    stream.unshift(first);
    tell(first);
    stream.resume();
  });
}
