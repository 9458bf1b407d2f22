import { ServiceBusError, type ServiceBusErrorCode } from "@azure/service-bus";
import { describe, expect, it } from "vitest";
import { classifyServiceBus, serviceBusFaults } from "@holdfast/service-bus/faults";

const classify = classifyServiceBus();
const official = (code: ServiceBusErrorCode, message: string): ServiceBusError =>
  new ServiceBusError(message, code);
const answered = (statusCode: number, text = ""): Error =>
  Object.assign(new Error(text), { name: "RestError", code: "ServiceError", statusCode });
const busy =
  "The request was terminated because the entity is being throttled. Error code: 50009. Please wait 2 seconds and try again.";

// What the official client 7.9.5 throws, or what stands in the guides, and what it means.
const cases: readonly [string, unknown, Record<string, unknown>][] = [
  [
    "throttling, with the service's wish",
    official("ServiceBusy", busy),
    { kind: "throttled", id: "TH-13", hintMs: 2_000, sent: "no" },
  ],
  [
    "throttling without a wish",
    official("ServiceBusy", "busy"),
    { kind: "throttled", id: "SBC-015", hintMs: undefined },
  ],
  [
    "a full connection",
    official("QuotaExceeded", "The maximum number of '1000' tokens per connection has been reached."),
    { kind: "token-limit", id: "SB-17" },
  ],
  [
    "a full connection, in other words",
    official(
      "GeneralError",
      "Put token failed. status-code: 500, status-description: The maximum number of tokens per connection (1000) has been reached..",
    ),
    { kind: "token-limit", id: "SB-17" },
  ],
  [
    "too many links",
    official("QuotaExceeded", "Cannot allocate more handles. The maximum number of handles is 4999."),
    { kind: "token-limit", id: "SBC-014" },
  ],
  [
    "a missing claim",
    official(
      "UnauthorizedAccess",
      "Unauthorized access. 'Listen' claim(s) are required to perform this operation. Resource: 'sb://x/y'.",
    ),
    { kind: "auth", id: "SB-15", missingClaim: "Listen" },
  ],
  [
    "a connection opened while the last one ends",
    Object.assign(new Error("Expecting SASL layer"), { name: "ProtocolError" }),
    { kind: "disconnected", id: "reopened-early" },
  ],
  [
    "an expired token",
    official("UnauthorizedAccess", "ExpiredToken: . TrackingId:1b2c-3d, SystemTracker:x"),
    { kind: "auth", id: "SBC-004", trackingId: "1b2c-3d" },
  ],
  [
    "a missing entity",
    official("MessagingEntityNotFound", "The messaging entity 'q' could not be found."),
    { kind: "not-found", id: "SBC-016" },
  ],
  [
    "a disabled entity",
    official("MessagingEntityDisabled", "disabled"),
    { kind: "not-found", id: "SBC-017" },
  ],
  [
    "a message that is too large",
    official("MessageSizeExceeded", "too big"),
    { kind: "too-large", sent: "no" },
  ],
  [
    "a full entity",
    official("QuotaExceeded", "The maximum entity size has been reached or exceeded for Queue: 'ORDERS'."),
    { kind: "quota", id: "SBC-077" },
  ],
  [
    "too many connections",
    official("QuotaExceeded", "ConnectionsQuotaExceeded for namespace my-namespace."),
    { kind: "quota", id: "SBC-079" },
  ],
  ["a limit that nobody named", official("QuotaExceeded", "too much"), { kind: "quota", id: "quota" }],
  ["a lost lock", official("MessageLockLost", "The lock supplied is invalid."), { kind: "lock-lost" }],
  ["a held session", official("SessionCannotBeLocked", "held"), { kind: "conflict" }],
  [
    "no answer",
    official("ServiceTimeout", "No answer from the service"),
    { kind: "timeout", id: "SBC-006", sent: "maybe" },
  ],
  [
    "a link that did not open in time",
    official(
      "ServiceTimeout",
      'Sender "q" with address "q", was not able to send the message right now, due to operation timeout.',
    ),
    { kind: "timeout", id: "SBC-006-open", sent: "no" },
  ],
  [
    "a forced detach",
    official(
      "GeneralError",
      "DetachForcedError: The link 'G2:x' is force detached. Code: consumer(link1). Details: AmqpMessageConsumer.IdleTimerExpired: Idle timeout: 00:10:00.",
    ),
    { kind: "disconnected", id: "SB-13", sent: "maybe" },
  ],
  [
    "an idle connection",
    official(
      "GeneralError",
      "The connection was inactive for more than the allowed 300000 milliseconds and is closed by container 'LinkTracker'.",
    ),
    { kind: "disconnected", id: "SB-13" },
  ],
  [
    "a refused port, rewritten by the official client",
    official("GeneralError", "GeneralError: ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1"),
    { kind: "disconnected", sent: "no" },
  ],
  [
    "a name that does not resolve",
    official("GeneralError", "ENOTFOUND: getaddrinfo ENOTFOUND nope.invalid"),
    { kind: "disconnected", id: "dns" },
  ],
  [
    "a connection that could not be made",
    new Error("Failed to connect"),
    { kind: "disconnected", id: "SBC-003" },
  ],
  [
    "the service's own error",
    official("GeneralError", "InternalServerError: The service was unable to process the request."),
    { kind: "transient", sent: "maybe" },
  ],
  [
    "too little credit",
    official("GeneralError", "SenderBusyError: cannot send the message right now. Please try later."),
    { kind: "transient", id: "no-credit", sent: "no" },
  ],
  [
    "a communication problem",
    official("ServiceCommunicationProblem", "socket"),
    { kind: "disconnected", sent: "maybe" },
  ],
  [
    "an operation that is not allowed",
    official("GeneralError", "InvalidOperationError: not allowed"),
    { kind: "client-bug" },
  ],
  [
    "an abort",
    Object.assign(new Error("The operation was aborted."), { name: "AbortError" }),
    { kind: "cancelled" },
  ],
  ["a wrong argument", new TypeError("Missing parameter"), { kind: "client-bug" }],
  ["what nobody knows", new Error("???"), { kind: "unknown", sent: "maybe" }],
  [
    "several attempts in one error: the newest counts",
    new AggregateError([official("ServiceTimeout", "x"), official("ServiceBusy", busy)]),
    { kind: "throttled", id: "TH-13" },
  ],
];

describe("the fault table recognises", () => {
  it.each(cases)("%s", (_, error, expected) => {
    expect(classify(error, 0)).toMatchObject(expected);
  });
});

it("gives every row a reason and a remedy", () => {
  for (const { because, remedy } of serviceBusFaults) {
    expect(because).toMatch(/\w{3}/);
    expect(remedy).toMatch(/\w{3}/);
  }
});

describe("an answer of the administration", () => {
  it.each([
    ...[400, 401, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 426, 429],
    ...[500, 501, 502, 503, 504, 505],
  ])("with the status %i is known", (status) => {
    expect(classify(answered(status), 0).kind).not.toBe("unknown");
  });

  it("that something is gone means that it is not there", () => {
    expect(classify(answered(410, "The specified queue or subscription does not exist."), 0)).toMatchObject({
      kind: "not-found",
      id: "admin-not-found",
    });
  });
});
