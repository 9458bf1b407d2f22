import type { FaultRow } from "./fault-table.ts";

const nodeErrors = "https://nodejs.org/api/errors.html#common-system-errors";

/**
 * Rows every service shares: what the operating system, the resolver, TLS and the language itself report.
 * A service appends them to its own rows. Codes are also looked for in the text, because the Azure clients
 * rewrite `code` and keep the system's word only there ("ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1").
 */
export const systemFaults: readonly FaultRow[] = [
  {
    id: "aborted",
    kind: "cancelled",
    match: { name: "AbortError" },
    because: "the caller aborted the operation",
    remedy: "nothing to do",
  },
  {
    id: "attempt-timeout",
    kind: "timeout",
    match: { name: "HoldfastError", code: ["attempt-timeout", "deadline"] },
    sent: "maybe",
    because: "no answer came within the time allowed for one attempt",
    remedy: "raise attemptTimeoutMs when the service is merely slow",
  },
  {
    id: "holdfast",
    kind: "client-bug",
    match: { name: "HoldfastError" },
    because: "the object was closed or given an option it does not take",
    remedy: "read the message; it names the option or the object",
  },
  {
    id: "dns",
    kind: "disconnected",
    match: { text: /\b(?:ENOTFOUND|EAI_AGAIN|EAI_NODATA|EAI_FAIL)\b/ },
    because: "the host name could not be resolved",
    remedy: "check the namespace's name and the resolver; repeated until the deadline",
    see: nodeErrors,
  },
  {
    id: "connection-refused",
    kind: "disconnected",
    match: { text: /\b(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|ECONNABORTED|EADDRNOTAVAIL)\b/ },
    because: "nothing accepts connections at that address",
    remedy: "check port 5671 (or 443 over WebSockets) and the firewall; repeated until the deadline",
    see: nodeErrors,
  },
  {
    id: "connection-reset",
    kind: "disconnected",
    match: { text: /\b(?:ECONNRESET|EPIPE|ETIMEDOUT|ESOCKET|socket hang up)\b/ },
    sent: "maybe",
    because: "the connection was cut",
    remedy: "repeated on a new connection",
    see: nodeErrors,
  },
  {
    id: "tls",
    kind: "client-bug",
    match: {
      text: /\b(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_HAS_EXPIRED|ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|self[- ]signed certificate|unable to verify the first certificate)\b/i,
    },
    because: "the server's certificate is not trusted",
    remedy: "install the issuing authority's certificate (NODE_EXTRA_CA_CERTS) or the proxy's",
    see: "https://nodejs.org/api/tls.html#x509-certificate-error-codes",
  },
  {
    id: "programming-error",
    kind: "client-bug",
    match: { name: ["TypeError", "RangeError", "SyntaxError", "ReferenceError"] },
    because: "the call itself is wrong",
    remedy: "correct the arguments; repeating cannot help",
  },
];
