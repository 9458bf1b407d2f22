import { systemFaults, type FaultRow } from "@holdfast/core";

/** What stands beside a row's id and kind for people. */
export type FaultText = Pick<FaultRow, "because" | "remedy" | "see">;

const guide = "https://learn.microsoft.com/azure/azure-signalr/signalr-howto-troubleshoot-guide#";
const client = "https://learn.microsoft.com/aspnet/core/signalr/javascript-client";
const measured = `${client}#automatically-reconnect`;

const tokenTooLong: FaultText = {
  because: "the access token is too long: it carries more claims than fit into 4096 characters",
  remedy:
    "put only the claims that clients need into the token (a claims provider, or trimClaims of @holdfast/signalr/negotiate)",
  see: `${guide}access-token-too-long`,
};

const serverClosed: FaultText = {
  because: "the server closed the connection with an error",
  remedy: "connected again; look at the app server's log if it happens often",
  see: `${guide}client-connection-drops`,
};

/** By the row's id. */
export const faultTexts: Readonly<Record<string, FaultText>> = {
  "SR-02": tokenTooLong,
  "SR-03": tokenTooLong,
  "SR-04": tokenTooLong,
  "message-quota": {
    because: "the service has delivered as many messages as its tier allows for today",
    remedy: "tried again slowly; move to the Standard tier or send less",
    see: "https://learn.microsoft.com/azure/azure-signalr/signalr-concept-messages-and-connections",
  },
  "SR-28": {
    because: "no app server is connected to the service yet",
    remedy: "tried again until one is; check that the app server runs and can reach the service",
    see: `${guide}500-error-when-negotiate-azure-signalr-service-is-not-connected-yet-please-try-again-later`,
  },
  "SR-24": {
    because: "the service holds as many connections, or gets as many requests, as its tier and units allow",
    remedy:
      "tried again slowly and no sooner than the service asks; add units, or stop connections that nobody uses",
    see: `${guide}429-too-many-requests-returned-for-client-requests`,
  },
  "SR-17": {
    because: "the access token ran out while the connection was open",
    remedy: "connected again with a new token; WebSockets are not affected, as they are asked for it once",
    see: `${guide}401-unauthorized-returned-for-client-requests`,
  },
  "SR-23": {
    because: "the service no longer knows the connection",
    remedy: "connected again with a new negotiation",
    see: `${guide}404-returned-for-aspnet-signalrs-reconnect-request`,
  },
  "SR-19": {
    because: "the access token is missing, wrong or has expired",
    remedy:
      "tried again with a fresh negotiation and token; if it lasts, check accessTokenFactory and the server's clock",
    see: `${guide}401-unauthorized-returned-for-client-requests`,
  },
  "SR-22": {
    because: "the connection came more than 5 seconds after its negotiation, so the service had forgotten it",
    remedy: "negotiated anew",
    see: `${guide}404-returned-for-client-requests`,
  },
  "not-a-hub": {
    because: "there is no hub at that address",
    remedy:
      "check the URL given to withUrl(), and that the app maps the hub; a connection that once stood keeps trying",
    see: `${guide}404-returned-for-client-requests`,
  },
  "SR-15": {
    because: "the service refuses the request; several `hub` parameters in the URL are the documented cause",
    remedy: "remove `hub` from the URL given to withUrl()",
    see: `${guide}400-bad-request-returned-for-client-requests`,
  },
  forbidden: {
    because: "the server knows the user and does not allow the connection",
    remedy: "give the user the permission, or check the service's access control rules",
    see: "https://learn.microsoft.com/azure/azure-signalr/howto-network-access-control",
  },
  "server-error": {
    because: "the server had an error of its own",
    remedy: "tried again; look at the app server's log",
    see: `${guide}client-connection-drops`,
  },
  "attempt-timeout": {
    because: "no answer came within the time allowed",
    remedy:
      "connecting: tried again on a new connection; calling: raise the timeout if the method is merely slow",
  },
  "connection-lost": {
    because: "the connection ended without an error",
    remedy: "connected again",
    see: measured,
  },
  closed: {
    because: "the object was stopped, or given an option that it does not take",
    remedy: "read the message; it names the option",
  },
  "SR-31": {
    because: "the WebSocket was cut without a closing handshake",
    remedy: "connected again after a random delay",
    see: `${guide}client-connection-drops`,
  },
  "socket-closed": {
    because: "the server or a proxy closed the WebSocket",
    remedy: "connected again after a random delay",
    see: `${guide}client-connection-drops`,
  },
  "SR-32": {
    because: "nothing was heard from the server for as long as the server timeout allows",
    remedy: "connected again; the server timeout should be at least twice the keep-alive interval",
    see: `${guide}client-connection-drops`,
  },
  "SR-33": serverClosed,
  "SR-34": serverClosed,
  protocol: {
    because: "client and server do not speak the same protocol",
    remedy: "configure the same hub protocol, and the same version of it, on both sides",
    see: client,
  },
  "connect-failed": {
    because: "negotiation succeeded but the connection could not be opened",
    remedy:
      "tried again with a new negotiation; if it never succeeds, a proxy may block WebSockets: see the `fallback` option",
    see: client,
  },
  "no-transport": {
    because: "client and server have no transport in common",
    remedy: "allow more transports: WebSockets alone is the default, see the `fallback` option",
    see: client,
  },
  unreachable: {
    because: "the request had no answer; browsers do not say why",
    remedy: "check the network and the server's CORS rules; tried again",
    see: "https://learn.microsoft.com/aspnet/core/signalr/security#cross-origin-resource-sharing",
  },
  "no-answer": {
    because: "the request had no answer in time",
    remedy: "tried again",
  },
  "SR-35": {
    because: "the hub's method threw",
    remedy: "look at the app server's log; EnableDetailedErrors shows more in development",
    see: `${guide}client-connection-drops`,
  },
  "not-connected": {
    because: "the call was made while there was no connection",
    remedy: 'let such calls wait with `whileDown: "wait"`, or declare the method idempotent and queue it',
    see: client,
  },
  "call-cut": {
    because: "the connection ended while the call was under way; the server may have carried it out",
    remedy: "repeat it if it is idempotent, or declare it so and let it be repeated",
    see: client,
  },
};

/** What the operating system, the resolver and TLS report; a browser reports none of it. */
export const platformFaults: readonly FaultRow[] = systemFaults;
