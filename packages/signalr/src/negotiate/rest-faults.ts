import type { FaultRow } from "@holdfast/core";

const reference = "https://learn.microsoft.com/azure/azure-signalr/signalr-reference-data-plane-rest-api";
const name = "SignalRServiceError";

/** What the REST API's statuses mean; they stand before the rows for clients, to whom some mean something else. */
export const restFaults: readonly FaultRow[] = [
  {
    id: "rest-body-too-large",
    kind: "too-large",
    match: { name, status: 413 },
    because: "the request's body is larger than 1 MB",
    remedy: "send less at a time, or a reference to what is large",
    see: reference,
  },
  {
    id: "rest-throttled",
    kind: "throttled",
    match: { name, status: 429 },
    because: "the service gets more than its tier and units allow",
    remedy: "sent again no sooner than the service asks; add units",
    see: reference,
  },
  {
    id: "rest-forbidden",
    kind: "client-bug",
    match: { name, status: 403 },
    because: "the identity may not do this",
    remedy: "give it the role SignalR REST API Owner",
    see: `${reference}#authentication`,
  },
  {
    id: "rest-unauthorized",
    kind: "auth",
    match: { name, status: 401 },
    because: "the service does not take the access key's signature or the identity's token",
    remedy: "check the connection string and the clock; an identity's token is fetched anew once",
    see: `${reference}#authentication`,
  },
  {
    id: "rest-not-found",
    kind: "not-found",
    match: { name, status: 404 },
    because: "the connection, group or user does not exist, or the hub has no such path",
    remedy: "check the names; a connection that has ended does not come back",
    see: reference,
  },
  {
    id: "rest-bad-request",
    kind: "client-bug",
    match: { name, status: 400 },
    because: "the service does not take the request: its path or its body is not as the API says",
    remedy: "check hub, group and method names",
    see: reference,
  },
  {
    id: "rest-server-error",
    kind: "transient",
    match: { name, status: [408, 500, 502, 503, 504] },
    sent: "maybe",
    because: "the service could not do it at the moment",
    remedy: "sent again",
    see: reference,
  },
];
