import type { FaultRow } from "@holdfast/core";

const throttling = "https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling";
const codes =
  "https://learn.microsoft.com/azure/service-bus-messaging/service-bus-resource-manager-exceptions";

/** What the administration endpoint answers, as the official `RestError` carries it: HTTP status, and a sub code in the text. */
export const administrationFaults: readonly FaultRow[] = [
  {
    // With 429 the service also says that another operation is in progress; a slower pace would not help.
    id: "admin-busy",
    kind: "transient",
    match: { name: "RestError", status: 429, text: /4090[01]|conflict/i },
    because: "another operation on the entity is in progress",
    remedy: "repeated when that may be over",
    see: codes,
  },
  {
    id: "TH-10",
    kind: "throttled",
    match: { name: "RestError", status: [429, 503] },
    because: "the namespace spent its credits for this second (an administration call costs ten), or is busy",
    remedy: "repeated no sooner than the service asks; give administration a pace of its own",
    see: throttling,
  },
  {
    id: "admin-not-found",
    kind: "not-found",
    match: { name: "RestError", code: "MessageEntityNotFoundError" },
    because: "there is no such queue, topic, subscription or rule in the namespace",
    remedy: "check the name; names are not case-sensitive",
    see: codes,
  },
  {
    id: "admin-not-found",
    kind: "not-found",
    match: { name: "RestError", status: [404, 410] },
    because: "there is no such queue, topic, subscription or rule in the namespace",
    remedy: "check the name; names are not case-sensitive",
    see: codes,
  },
  {
    id: "admin-conflict",
    kind: "conflict",
    match: { name: "RestError", code: "MessageEntityAlreadyExistsError" },
    because: "an entity of this name exists already",
    remedy: "get it, or choose another name",
    see: codes,
  },
  {
    // The other 409: "SubCode=40901. Another conflicting operation is in progress".
    id: "admin-busy",
    kind: "transient",
    match: { name: "RestError", status: 409 },
    because: "another operation on the entity is in progress",
    remedy: "repeated",
    see: codes,
  },
  {
    id: "admin-auth",
    kind: "auth",
    match: { name: "RestError", status: 401 },
    because: "the credential is wrong, or does not give the right to manage",
    remedy: "use a key with the Manage claim, or the role Azure Service Bus Data Owner",
    see: "https://learn.microsoft.com/azure/service-bus-messaging/service-bus-managed-service-identity",
  },
  {
    id: "admin-proxy",
    kind: "auth",
    match: { name: "RestError", status: 407 },
    because: "the proxy on the way asks who we are",
    remedy: "give the proxy's user and password in its address (HTTPS_PROXY), or in proxyOptions",
    see: codes,
  },
  {
    id: "admin-forbidden",
    kind: "client-bug",
    match: { name: "RestError", code: "InvalidOperationError" },
    because: "the service does not allow this operation on this entity",
    remedy: "read the message: a property may not be changed after creation, or the tier does not have it",
    see: codes,
  },
  {
    id: "admin-quota",
    kind: "quota",
    match: { name: "RestError", status: 403 },
    because: "the namespace holds as many entities, or as much, as its tier allows",
    remedy: "remove what is not needed, or move to a higher tier",
    see: "https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas",
  },
  {
    id: "admin-bad-request",
    kind: "client-bug",
    match: { name: "RestError", status: [400, 405, 406, 411, 412, 413, 414, 415, 416, 417, 426, 501, 505] },
    because: "the service does not understand or accept the request",
    remedy: "read the message; it names the property",
    see: codes,
  },
  {
    id: "admin-timeout",
    kind: "timeout",
    match: { name: "RestError", status: [408, 504] },
    sent: "maybe",
    because: "the service did not answer in time",
    remedy: "repeated; a creation that took effect after all is recognised",
    see: codes,
  },
  {
    id: "admin-server-error",
    kind: "transient",
    match: { name: "RestError", status: [500, 502] },
    sent: "maybe",
    because: "the service failed inside",
    remedy: "repeated",
    see: codes,
  },
  {
    id: "admin-no-answer",
    kind: "disconnected",
    match: { name: "RestError", code: "REQUEST_SEND_ERROR" },
    sent: "maybe",
    because: "the request had no answer",
    remedy: "check port 443 and the firewall; repeated until the deadline",
    see: codes,
  },
];

/**
 * The error, with what the service said: of a status that the official client does not know (429 is one) the error tells the
 * number only, and the service's words are left in the response.
 */
export function inFull(error: unknown): unknown {
  if (
    !(error instanceof Error) ||
    error.name !== "RestError" ||
    !error.message.includes("unrecognized HTTP status")
  )
    return error;
  const { code, statusCode, response } = error as Error & {
    readonly code?: unknown;
    readonly statusCode?: unknown;
    readonly response?: { readonly bodyAsText?: unknown };
  };
  const said = response?.bodyAsText;
  if (typeof said !== "string") return error;
  return { name: error.name, message: `${error.message} ${said}`, code, statusCode, response };
}
