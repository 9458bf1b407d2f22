/**
 * The steps of connecting, in their order: the host's name, the TCP connection, TLS, the WebSocket's upgrade, the protocol's own
 * opening (with SASL), what we identify ourselves with, the link to the entity.
 */
export const connectingSteps = ["dns", "tcp", "tls", "websocket", "amqp", "authorization", "link"] as const;

/** See {@link connectingSteps}. */
export type ConnectingStep = (typeof connectingSteps)[number];

// What Node, OpenSSL and `ws` say. A system error names its call ("connect ETIMEDOUT 10.0.0.1:5671"): what was read or written
// had been connected before. Before: https://nodejs.org/api/errors.html#common-system-errors.
const words: readonly (readonly [ConnectingStep, RegExp])[] = [
  ["dns", /\bgetaddrinfo\b|\b(?:ENOTFOUND|EAI_[A-Z]+)\b/],
  [
    "tls",
    /before secure TLS connection was established|\b(?:EPROTO|ERR_SSL_\w+|ERR_TLS_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY)_\w+|CERT_\w+|SELF_SIGNED_CERT_IN_CHAIN)\b|SSL routines|certificate has expired|certificate's altnames|self[- ]signed certificate|issuer certificate|unable to verify the first certificate/,
  ],
  ["tcp", /\bconnect E[A-Z]+\b|\bECONNREFUSED\b/],
  ["websocket", /\bUnexpected server response: \d{3}\b|\bInvalid Sec-WebSocket-Accept header\b/],
  ["amqp", /\bInvalid protocol header\b|\bExpecting SASL layer\b/],
];

/** The step that an error's text is of; undefined when it does not tell. */
export function connectingStepIn(text: string): ConnectingStep | undefined {
  return words.find(([, pattern]) => pattern.test(text))?.[0];
}
