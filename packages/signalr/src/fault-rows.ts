import type { FaultRow } from "@holdfast/core";

/** What a row needs at run time: how a fault is recognised and what kind it is. The texts stand in `fault-texts.ts`. */
export type BareRow = Pick<FaultRow, "id" | "kind" | "match" | "sent">;

/** Where the server refused: the same status means different things in different places. */
export type Step = "negotiate" | "connect" | "established";

const at = (step: Step, ...statuses: readonly number[]): BareRow["match"] => ({
  code: statuses.map((status) => `${step}:${String(status)}`),
});

/** A row on one line: what it is called, what it is, and how it is seen. */
function row(id: string, kind: FaultRow["kind"], seen: RegExp | BareRow["match"], sent?: "maybe"): BareRow {
  return { id, kind, match: seen instanceof RegExp ? { text: seen } : seen, ...(sent && { sent }) };
}

/** Specific before general. Ids are rows of the documented ledger, or names for what was measured on the official client. */
export const signalrRows: readonly BareRow[] = [
  row("SR-04", "too-large", /Access ?Token must not be longer than 4K|access token is \d+ characters long/i),
  row("SR-03", "too-large", { status: 413 }),
  row("SR-02", "too-large", { status: 414 }),
  row("message-quota", "throttled", /Message count reaches limit/i),
  row("SR-28", "transient", /Azure SignalR Service is not connected yet/i),
  row("SR-24", "throttled", { status: 429 }),
  // A token that ran out on an open connection: the new negotiation brings a new one.
  row("SR-17", "disconnected", at("established", 401)),
  row("SR-23", "disconnected", at("established", 404)),
  row("SR-19", "auth", { status: 401 }),
  row("SR-22", "disconnected", at("connect", 404)),
  row("not-a-hub", "not-found", { status: 404 }),
  row("SR-15", "client-bug", { status: 400 }),
  row("forbidden", "client-bug", { status: 403 }),
  row("server-error", "transient", { status: [408, 409, 500, 502, 503, 504] }),
  row(
    "attempt-timeout",
    "timeout",
    { name: "HoldfastError", code: ["attempt-timeout", "deadline"] },
    "maybe",
  ),
  row("connection-lost", "disconnected", { name: "HoldfastError", code: "connection-lost" }),
  row("closed", "client-bug", { name: "HoldfastError" }),
  row("SR-31", "disconnected", /WebSocket closed with status code: 1006/),
  row("socket-closed", "disconnected", /WebSocket closed with status code/),
  row("SR-32", "disconnected", /Server timeout elapsed|Service timeout\..*elapsed/),
  row("SR-34", "disconnected", /returned an error on close: Internal server error/i),
  row("SR-33", "disconnected", /returned an error on close/),
  row(
    "protocol",
    "client-bug",
    /Server returned handshake error|attempt to an ASP\.NET SignalR Server|didn't negotiate Stateful Reconnect/,
  ),
  row(
    "connect-failed",
    "disconnected",
    /(?:WebSocket|EventSource) failed to connect|failed to start properly/i,
  ),
  row(
    "no-transport",
    "client-bug",
    /is disabled by the client|is not supported in your environment|None of the transports supported/,
  ),
  // What browsers say when nobody answered; Node gives a code, and the system's rows tell those apart.
  row("unreachable", "disconnected", /Failed to fetch|NetworkError when attempting|Load failed/),
  row("no-answer", "timeout", /^A timeout occurred|TimeoutError/),
  row("SR-35", "client-bug", /An unexpected error occurred invoking|HubException/, "maybe"),
  row(
    "not-connected",
    "disconnected",
    /if the connection is not in the 'Connected' State|WebSocket is not in the OPEN state/,
  ),
  row(
    "call-cut",
    "disconnected",
    /Invocation canceled due to the underlying connection being closed/,
    "maybe",
  ),
];
