import type { FaultRow } from "./fault-table.ts";

const nodeErrors = "https://nodejs.org/api/errors.html#common-system-errors";
const fetchErrors = "https://developer.mozilla.org/en-US/docs/Web/API/Window/fetch#exceptions";

/**
 * Rows every service shares: what the operating system, the resolver, TLS and the language itself report.
 * A service appends them to its own rows. System codes are looked for in `code` and, because the Azure clients rewrite
 * that, as words of the text ("ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1").
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
    id: "connection-lost",
    kind: "disconnected",
    match: { name: "HoldfastError", code: "connection-lost" },
    sent: "maybe",
    because: "the connection ended; the official client gave no reason",
    remedy: "repeated on a new connection",
  },
  {
    id: "holdfast",
    kind: "client-bug",
    match: { name: "HoldfastError" },
    because: "the object was closed or given an option it does not take",
    remedy: "read the message; it names the option or the object",
  },
  ...codeOrText(["ENOTFOUND", "EAI_AGAIN", "EAI_NODATA", "EAI_FAIL"], [], {
    id: "dns",
    kind: "disconnected",
    because: "the host name could not be resolved",
    remedy: "check the namespace's name and the resolver; repeated until the deadline",
    see: nodeErrors,
  }),
  ...codeOrText(
    ["ECONNRESET", "EPIPE", "ETIMEDOUT", "ESOCKET", "ECONNABORTED", "UND_ERR_SOCKET"],
    // On a connection that stood, also an unreachable network leaves the outcome open.
    ["socket hang up", "other side closed", "(?:read|write) E[A-Z]+"],
    {
      id: "connection-reset",
      kind: "disconnected",
      sent: "maybe",
      because: "the connection was cut",
      remedy: "repeated on a new connection",
      see: nodeErrors,
    },
  ),
  ...codeOrText(
    [
      "ECONNREFUSED",
      "EHOSTUNREACH",
      "ENETUNREACH",
      "EHOSTDOWN",
      "ENETDOWN",
      "EADDRNOTAVAIL",
      "UND_ERR_CONNECT_TIMEOUT",
    ],
    [],
    {
      id: "connection-refused",
      kind: "disconnected",
      because: "nothing accepts connections at that address",
      remedy: "check port 5671 (or 443 over WebSockets) and the firewall; repeated until the deadline",
      see: nodeErrors,
    },
  ),
  ...codeOrText(
    [
      "CERT_HAS_EXPIRED",
      "CERT_NOT_YET_VALID",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_GET_ISSUER_CERT",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    ],
    [
      "certificate has expired",
      "does not match certificate's altnames",
      "self[- ]signed certificate",
      "unable to get (?:local )?issuer certificate",
      "unable to verify the first certificate",
    ],
    {
      id: "tls",
      kind: "client-bug",
      because: "the server's certificate is not trusted",
      remedy: "install the issuing authority's certificate (NODE_EXTRA_CA_CERTS) or the proxy's",
      see: "https://nodejs.org/api/tls.html#x509-certificate-error-codes",
    },
  ),
  {
    // What browsers say, and undici when an answer breaks off. Node's "fetch failed" is told apart by its cause.
    id: "fetch-failed",
    kind: "disconnected",
    match: {
      name: "TypeError",
      text: /^(?:Failed to fetch|NetworkError when attempting|Load failed|terminated)/,
    },
    sent: "maybe",
    because: "the HTTP request had no answer; the platform does not say why",
    remedy: "check the connection and the service's CORS rules; repeated until the deadline",
    see: fetchErrors,
  },
  {
    id: "programming-error",
    kind: "client-bug",
    match: { name: ["TypeError", "RangeError", "SyntaxError", "ReferenceError"], text: /^(?!fetch failed)/ },
    because: "the call itself is wrong",
    remedy: "correct the arguments; repeating cannot help",
  },
];

/** Two rows of the same meaning: by `code`, and by the code or one of the phrases in the text. */
function codeOrText(
  codes: readonly string[],
  phrases: readonly string[],
  row: Omit<FaultRow, "match">,
): FaultRow[] {
  const text = new RegExp(String.raw`\b(?:${[...codes, ...phrases].join("|")})\b`, "i");
  return [
    { ...row, match: { code: codes } },
    { ...row, match: { text } },
  ];
}
