import type { BareRow, FaultRow } from "@holdfast/core";

/** Where the server refused: the same status means different things in different places. */
export type Step = "negotiate" | "connect" | "established";

const own = "HoldfastError";
const at = (step: Step, status: number): BareRow["match"] => ({ code: `${step}:${String(status)}` });

/** A row on one line: what it is called, what it is, and how it is seen: by a text, an HTTP status, or more than one thing. */
function row(
  id: string,
  kind: FaultRow["kind"],
  seen: RegExp | number | BareRow["match"],
  sent: BareRow["sent"] = "no",
): BareRow {
  const match = seen instanceof RegExp ? { text: seen } : typeof seen === "number" ? { status: seen } : seen;
  return { id, kind, match, sent };
}

/**
 * Specific before general; the texts for people stand in `fault-texts.ts`. Ids are rows of the documented ledger, or names
 * for what was measured on the official client. An expression has as much of a text as tells it from others: a page loads it.
 */
export const signalrRows: readonly BareRow[] = [
  row("SR-04", "too-large", /access ?token (?:must not be longer|is \d+ char)/i),
  row("SR-03", "too-large", 413),
  row("SR-02", "too-large", 414),
  row("message-quota", "throttled", /Message count reaches/i),
  row("SR-28", "transient", /Service is not connected yet/i),
  row("SR-24", "throttled", 429),
  // A token that ran out on an open connection: the new negotiation brings a new one.
  row("SR-17", "disconnected", at("established", 401)),
  row("SR-23", "disconnected", at("established", 404)),
  row("SR-19", "auth", 401),
  row("SR-22", "disconnected", at("connect", 404)),
  row("not-a-hub", "not-found", 404),
  row("SR-15", "client-bug", 400),
  row("forbidden", "client-bug", 403),
  row("server-error", "transient", { status: [408, 409, 500, 502, 503, 504] }),
  row("attempt-timeout", "timeout", { name: own, code: ["attempt-timeout", "deadline"] }, "maybe"),
  row("connection-lost", "disconnected", { name: own, code: "connection-lost" }),
  row("closed", "client-bug", { name: own }),
  row("SR-31", "disconnected", /WebSocket closed with status code: 1006/),
  row("socket-closed", "disconnected", /WebSocket closed with status code/),
  row("SR-32", "disconnected", /Serv(?:er|ice) timeout.*elapsed/),
  row("SR-34", "disconnected", /returned an error on close: Internal server error/i),
  row("SR-33", "disconnected", /returned an error on close/),
  row("protocol", "client-bug", /returned handshake error|an ASP\.NET SignalR|didn't negotiate Stateful/),
  row(
    "connect-failed",
    "disconnected",
    /(?:WebSocket|EventSource) failed to connect|failed to start properly/i,
  ),
  row("no-transport", "client-bug", /disabled by the client|not supported in your|None of the transports/),
  // What browsers say when nobody answered; Node gives a code, and the system's rows tell those apart.
  row("unreachable", "disconnected", /Failed to fetch|NetworkError when|Load failed/),
  row("no-answer", "timeout", /^A timeout occurred|TimeoutError/),
  row("SR-35", "client-bug", /error occurred invoking|HubException/, "maybe"),
  row("not-connected", "disconnected", /is not in the (?:'Connected' State|OPEN state)/),
  row("call-cut", "disconnected", /underlying connection being closed/, "maybe"),
];
