import type { FaultRow } from "@holdfast/core";

/** What a row needs at run time: how a fault is recognised and what kind it is. The texts stand in `fault-texts.ts`. */
export type BareRow = Pick<FaultRow, "id" | "kind" | "match" | "sent">;

/** Where the server refused: the same status means different things in different places. */
export type Step = "negotiate" | "connect" | "established";

const at = (step: Step, ...statuses: readonly number[]): BareRow["match"] => ({
  code: statuses.map((status) => `${step}:${String(status)}`),
});

/** Specific before general. Ids are rows of the documented ledger, or names for what was measured on the official client. */
export const signalrRows: readonly BareRow[] = [
  {
    id: "SR-04",
    kind: "too-large",
    match: { text: /Access ?Token must not be longer than 4K|access token is \d+ characters long/i },
  },
  { id: "SR-03", kind: "too-large", match: { status: 413 } },
  { id: "SR-02", kind: "too-large", match: { status: 414 } },
  { id: "message-quota", kind: "throttled", match: { text: /Message count reaches limit/i } },
  {
    id: "SR-28",
    kind: "transient",
    match: { text: /Azure SignalR Service is not connected yet/i },
  },
  { id: "SR-24", kind: "throttled", match: { status: 429 } },
  // A token that ran out on an open connection: the new negotiation brings a new one.
  { id: "SR-17", kind: "disconnected", match: at("established", 401) },
  { id: "SR-23", kind: "disconnected", match: at("established", 404) },
  { id: "SR-19", kind: "auth", match: { status: 401 } },
  { id: "SR-22", kind: "disconnected", match: at("connect", 404) },
  { id: "not-a-hub", kind: "not-found", match: { status: 404 } },
  { id: "SR-15", kind: "client-bug", match: { status: 400 } },
  { id: "forbidden", kind: "client-bug", match: { status: 403 } },
  { id: "server-error", kind: "transient", match: { status: [408, 409, 500, 502, 503, 504] } },
  {
    id: "attempt-timeout",
    kind: "timeout",
    match: { name: "HoldfastError", code: ["attempt-timeout", "deadline"] },
    sent: "maybe",
  },
  { id: "connection-lost", kind: "disconnected", match: { name: "HoldfastError", code: "connection-lost" } },
  { id: "closed", kind: "client-bug", match: { name: "HoldfastError" } },
  { id: "SR-31", kind: "disconnected", match: { text: /WebSocket closed with status code: 1006/ } },
  { id: "socket-closed", kind: "disconnected", match: { text: /WebSocket closed with status code/ } },
  {
    id: "SR-32",
    kind: "disconnected",
    match: { text: /Server timeout elapsed|Service timeout\..*elapsed/ },
  },
  {
    id: "SR-34",
    kind: "disconnected",
    match: { text: /returned an error on close: Internal server error/i },
  },
  { id: "SR-33", kind: "disconnected", match: { text: /returned an error on close/ } },
  {
    id: "protocol",
    kind: "client-bug",
    match: {
      text: /Server returned handshake error|attempt to an ASP\.NET SignalR Server|didn't negotiate Stateful Reconnect/,
    },
  },
  {
    id: "connect-failed",
    kind: "disconnected",
    match: { text: /(?:WebSocket|EventSource) failed to connect|failed to start properly/i },
  },
  {
    id: "no-transport",
    kind: "client-bug",
    match: {
      text: /is disabled by the client|is not supported in your environment|None of the transports supported/,
    },
  },
  // What browsers say when nobody answered; Node gives a code, and the system's rows tell those apart.
  {
    id: "unreachable",
    kind: "disconnected",
    match: { text: /Failed to fetch|NetworkError when attempting|Load failed/ },
  },
  { id: "no-answer", kind: "timeout", match: { text: /^A timeout occurred|TimeoutError/ } },
  {
    id: "SR-35",
    kind: "client-bug",
    match: { text: /An unexpected error occurred invoking|HubException/ },
    sent: "maybe",
  },
  {
    id: "not-connected",
    kind: "disconnected",
    match: { text: /if the connection is not in the 'Connected' State|WebSocket is not in the OPEN state/ },
  },
  {
    id: "call-cut",
    kind: "disconnected",
    match: { text: /Invocation canceled due to the underlying connection being closed/ },
    sent: "maybe",
  },
];
