import { administrationFaults, inFull } from "./administration-faults.ts";
import { withSteps } from "./connecting-step.ts";
import { subCodeTexts, withSubCodes } from "./sub-codes.ts";
import { faultTable, systemFaults, type Classify, type FaultRow } from "@holdfast/core";

const learn = (page: string): string => `https://learn.microsoft.com/azure/service-bus-messaging/${page}`;
const exceptions = learn("service-bus-messaging-exceptions-latest");
const quotas = learn("service-bus-quotas");
const throttling = learn("service-bus-throttling");
const guide = learn("service-bus-troubleshooting-guide");
const clientGuide =
  "https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/servicebus/service-bus/TROUBLESHOOTING.md";

/**
 * What goes wrong with Service Bus and what it means, specific before general. Ids are rows of the documented ledger.
 * The official client's `code` says little (`GeneralError` covers everything from a refused port to a forced detach),
 * so most rows look at the text as well.
 */
export const serviceBusFaults: readonly FaultRow[] = [
  {
    id: "TH-13",
    kind: "throttled",
    match: { text: /Error code:\s*50009|entity is being throttled/i },
    because: "the namespace spent its credits for this second",
    remedy:
      "repeated no sooner than the service asks; if it lasts, scale up or spread the load over namespaces",
    see: throttling,
  },
  {
    id: "SBC-015",
    kind: "throttled",
    match: { code: ["ServiceBusy", "ServerBusyError", "com.microsoft:server-busy"] },
    because: "the service is busy",
    remedy: "repeated no sooner than the service asks; it also happens for moments during upgrades",
    see: throttling,
  },
  {
    id: "SB-17",
    kind: "token-limit",
    match: { text: /maximum number of ('?\d+'?\s*)?tokens per connection|number of authentication tokens/i },
    because: "the connection holds as many authentication tokens as the service allows (1000)",
    remedy: "use fewer entities on one connection, or several clients",
    see: guide,
  },
  {
    id: "SBC-014",
    kind: "token-limit",
    match: { text: /cannot allocate more handles/i },
    because: "the connection holds as many links as the service allows",
    remedy: "use fewer senders and receivers on one connection, or several clients",
    see: quotas,
  },
  {
    id: "SB-15",
    kind: "auth",
    match: { text: /Unauthorized access\.\s*'(Send|Listen|Manage)'\s*claim/i },
    because: "the identity lacks the claim this operation needs on this entity",
    remedy:
      "give the shared access policy the missing right, or the identity its role: Azure Service Bus Data Sender for Send, Data Receiver for Listen, Data Owner for Manage",
    see: guide,
  },
  {
    id: "SBC-004",
    kind: "auth",
    match: {
      text: /ExpiredToken|InvalidSignature|InvalidIssuer|InvalidAudience|MalformedToken|com\.microsoft:auth-failed/i,
    },
    because: "the token is expired or its signature does not fit",
    remedy: "renew the shared access signature or the key; check the clock of this machine",
    see: exceptions,
  },
  {
    id: "SBC-005",
    kind: "auth",
    match: { code: ["UnauthorizedAccess", "UnauthorizedError", "amqp:unauthorized-access"] },
    because: "the service refused the credentials",
    remedy: "check the credentials and their rights on the entity",
    see: exceptions,
  },
  {
    id: "SBC-016",
    kind: "not-found",
    match: { code: ["MessagingEntityNotFound", "MessagingEntityNotFoundError"] },
    because: "the queue, topic or subscription does not exist",
    remedy: "create it, or correct its name; names in the connection string count too",
    see: exceptions,
  },
  {
    id: "SBC-017",
    kind: "not-found",
    match: { code: ["MessagingEntityDisabled", "MessagingEntityDisabledError"] },
    because: "the entity is disabled",
    remedy: "enable it (status Active) in the portal or by ServiceBusAdministrationClient",
    see: exceptions,
  },
  {
    id: "SBC-011",
    kind: "not-found",
    match: { code: ["MessageNotFound", "MessageNotFoundError"] },
    because: "no message has that sequence number: it was received, expired or dead-lettered",
    remedy: "look in the dead-letter queue",
    see: exceptions,
  },
  {
    id: "SBC-008",
    kind: "too-large",
    match: { code: ["MessageSizeExceeded", "MessageTooLargeError", "amqp:link:message-size-exceeded"] },
    because: "the message or batch is larger than the entity takes",
    remedy: "send less at a time, or keep the payload elsewhere and send a reference",
    see: quotas,
  },
  {
    id: "SBC-079",
    kind: "quota",
    match: { text: /ConnectionsQuotaExceeded/i },
    because: "the namespace has as many connections as it allows",
    remedy: "close the clients that nobody needs, use one for the process, or let them share connections",
    see: quotas,
  },
  {
    id: "SBC-077",
    kind: "quota",
    match: { text: /maximum entity size has been reached or exceeded/i },
    because: "the entity is full",
    remedy: "let receivers catch up, empty the dead-letter queue, or enlarge the entity",
    see: quotas,
  },
  {
    id: "quota",
    kind: "quota",
    match: { code: ["QuotaExceeded", "QuotaExceededError", "amqp:resource-limit-exceeded"] },
    because: "a limit of the entity or the namespace is reached",
    remedy: "read the message: it names the limit",
    see: quotas,
  },
  {
    id: "SBC-009",
    kind: "lock-lost",
    match: {
      code: [
        "MessageLockLost",
        "MessageLockLostError",
        "SessionLockLost",
        "SessionLockLostError",
        "StoreLockLostError",
      ],
    },
    because: "the lock expired or the link that held it closed",
    remedy: "the message will be delivered again; make the handler idempotent",
    see: clientGuide,
  },
  {
    id: "SBC-013",
    kind: "conflict",
    match: {
      code: ["SessionCannotBeLocked", "MessagingEntityAlreadyExists", "ReceiverDisconnectedError"],
    },
    because: "somebody else holds it, or it exists already",
    remedy: "take another session, or use what exists",
    see: exceptions,
  },
  {
    id: "link-lost",
    kind: "disconnected",
    match: { text: /closed before the service acknowledged/ },
    sent: "maybe",
    because: "the link or connection was lost while the acknowledgement was on its way",
    remedy: "sent again with the same messageId; duplicate detection on the entity makes the copy invisible",
    see: learn("duplicate-detection"),
  },
  {
    id: "link-closed",
    kind: "disconnected",
    match: { text: /was closed before the message was sent/ },
    because: "the link was found closed before the message was sent",
    remedy: "sent when the link is open again",
    see: learn("service-bus-amqp-troubleshoot"),
  },
  {
    id: "no-credit",
    kind: "transient",
    match: { text: /SenderBusyError|InsufficientCreditError|cannot send the message right now/ },
    because: "more sends are in flight on the link than it has credit for",
    remedy: "repeated when some have been acknowledged",
    see: clientGuide,
  },
  {
    id: "SBC-006-open",
    kind: "timeout",
    match: {
      text: /was not able to send the message right now, due to operation timeout|Failed to create a sender/,
    },
    because: "the link did not open in time, so nothing was sent",
    remedy: "repeated until the deadline",
    see: clientGuide,
  },
  {
    id: "SBC-006",
    kind: "timeout",
    match: {
      code: ["ServiceTimeout", "OperationTimeoutError", "ServiceUnavailableError", "com.microsoft:timeout"],
    },
    sent: "maybe",
    because: "the service did not answer in time",
    remedy: "sent again with the same messageId; duplicate detection on the entity makes the copy invisible",
    see: clientGuide,
  },
  {
    id: "SB-13",
    kind: "disconnected",
    match: {
      text: /ConnectionForcedError|DetachForcedError|amqp:connection:forced|detach-forced|force detached|was inactive for more than the allowed|Unknown error occurred on the AMQP connection|FramingError|Invalid protocol header|SenderNotReadyError|Link is not ready/i,
    },
    sent: "maybe",
    because: "the service closed the link or connection, as it does for upgrades and idleness",
    remedy: "repeated on a new one",
    see: learn("service-bus-amqp-troubleshoot"),
  },
  {
    id: "connection-replaced",
    kind: "disconnected",
    match: { name: "AbortError", text: /permanently closed/ },
    because: "the connection made room for a new one while this link was being opened on it",
    remedy: "repeated on the new one",
  },
  {
    id: "closed-by-caller",
    kind: "cancelled",
    match: { name: "AbortError", text: /was closed before the service acknowledged/ },
    because: "close() had waited as long as closeTimeoutMs allows",
    remedy: "await sends before closing, or raise closeTimeoutMs",
  },
  // The resolver's and the system's own words come before the client's catch-all codes.
  ...systemFaults,
  {
    id: "SBC-003",
    kind: "disconnected",
    match: { text: /(?:^|[\s:])Failed to connect\.?$|Websocket connection failed/i },
    because: "no connection could be made",
    remedy: "check port 5671 (or 443 over WebSockets) and the firewall; repeated until the deadline",
    see: clientGuide,
  },
  {
    id: "reopened-early",
    kind: "disconnected",
    // rhea connection.js: what it says to the end of a dropped connection that is being opened again.
    match: { text: /Expecting SASL layer/ },
    because: "the connection was dropped while the next one was being opened",
    remedy: "repeated on a new connection",
    see: clientGuide,
  },
  {
    id: "communication",
    kind: "disconnected",
    match: { code: ["ServiceCommunicationProblem", "ServiceCommunicationError"] },
    sent: "maybe",
    because: "communication with the service failed",
    remedy: "repeated on a new connection",
    see: exceptions,
  },
  {
    id: "internal-error",
    kind: "transient",
    match: { text: /InternalServerError|amqp:internal-error/ },
    sent: "maybe",
    because: "the service had an error of its own",
    remedy: "repeated; if it lasts, open a support request with the tracking id",
    see: exceptions,
  },
  {
    id: "invalid-operation",
    kind: "client-bug",
    match: {
      text: /InvalidOperationError|ArgumentError|ArgumentOutOfRangeError|NotImplementedError|amqp:not-allowed/,
    },
    because: "the service does not allow this operation on this entity",
    remedy: "read the message: a session id may be missing, or the entity is of another type",
    see: exceptions,
  },
];

/** Turns an error of the official client into a fault. Own rows, tried first, go before ours. */
export function classifyServiceBus(own: readonly FaultRow[] = []): Classify {
  const table = faultTable("service-bus", [
    ...own,
    ...withSubCodes(administrationFaults),
    ...serviceBusFaults,
    ...subCodeTexts(administrationFaults),
  ]);
  return withSteps((error, wallNowMs) => table(inFull(error), wallNowMs));
}
