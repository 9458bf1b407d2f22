import { faultTable, systemFaults, type Classify, type FaultRow } from "@holdfast/core";

const learn = (page: string): string => `https://learn.microsoft.com/azure/iot-hub/${page}`;
const errorCodes = learn("troubleshoot-error-codes");
const quotas = learn("iot-hub-devguide-quotas-throttling");
const cloudToDevice = learn("iot-hub-devguide-messages-c2d");
const reconnecting = learn("concepts-manage-device-reconnections");

/**
 * What goes wrong between a device and IoT Hub, and what it means; specific before general. Ids are rows of the documented
 * ledger. Names and not classes: the official packages are often installed twice, and `instanceof` fails across copies.
 * Rows for what only the service side sees are here too, so that tools can explain them.
 */
export const iotDeviceFaults: readonly FaultRow[] = [
  {
    id: "duplicate-identity",
    kind: "duplicate-identity",
    match: {
      text: /\b409002\b|\b400027\b|LinkCreationConflict|ConnectionForcefullyClosedOnNewConnection|link:stolen/i,
    },
    because: "another connection uses this device identity; the hub closes the older one",
    remedy:
      "give each device an identity of its own; look for a second process, or a second client in this one",
    see: errorCodes,
  },
  {
    id: "IOT-12",
    kind: "throttled",
    match: { text: /\b403006\b|active file upload requests|DeviceMaximumActiveFileUploadLimitExceeded/i },
    because:
      "as many uploads of this device are open as the hub allows (10); one without a notification counts for an hour",
    remedy: "repeated when others have been notified; always notify, also of a failed upload",
    see: learn("iot-hub-devguide-file-upload"),
  },
  {
    id: "IOT-10",
    kind: "quota",
    match: { text: /\b403004\b|DeviceMaximumQueueDepthExceeded/i },
    because: "50 messages wait for the device already",
    remedy: "let the device take them, give messages a shorter life, or send fewer",
    see: cloudToDevice,
  },
  {
    id: "iot-quota",
    kind: "quota",
    match: { text: /\b403002\b|IotHubQuotaExceeded/i },
    because: "the hub's messages of the day are used up",
    remedy: "wait for midnight UTC, or add units",
    see: quotas,
  },
  {
    id: "IOT-17",
    kind: "disconnected",
    match: { text: /\b404103\b|DeviceNotOnline/i },
    because: "the device is not connected, or has no handler for methods",
    remedy:
      "repeat while the caller has time, or use a twin property or a message, which wait for the device",
    see: errorCodes,
  },
  {
    id: "IOT-20",
    kind: "disconnected",
    match: { text: /\b404104\b|DeviceConnectionClosedRemotely/i },
    sent: "maybe",
    because: "the connection ended from the device's side, or the network's",
    remedy: "reconnected at once; a shorter keep-alive finds a dead connection sooner",
    see: errorCodes,
  },
  {
    id: "IOT-15",
    kind: "not-found",
    match: { text: /\b404001\b|DeviceNotFound/i },
    because: "the hub knows no device of this name",
    remedy: "register it, or correct the id; with provisioning, provision again",
    see: errorCodes,
  },
  {
    id: "iot-device-not-found",
    kind: "not-found",
    match: { name: ["DeviceNotFoundError", "IotHubNotFoundError"] },
    because: "the hub knows no device of this name",
    remedy: "register it, or correct the id; with provisioning, provision again",
    see: errorCodes,
  },
  {
    id: "IOT-46",
    kind: "auth",
    match: { text: /DeviceDisabled|device is disabled|IotHubUnauthorizedAccess.*disabled/i },
    because: "the device is disabled in the hub's registry",
    remedy: "enable it",
    see: errorCodes,
  },
  {
    id: "IOT-07",
    kind: "auth",
    match: { text: /\b401003\b|IoTHubUnauthorized/i },
    because: "the hub could not authenticate the device; its token may be expired",
    remedy: "a fresh token is tried once; then check key and clock (NTP)",
    see: errorCodes,
  },
  {
    id: "IOT-04",
    kind: "auth",
    match: { text: /\b401002\b|AuthenticationFailed/i },
    because: "the token is expired, or the device is not registered",
    remedy: "a fresh token is tried once; then check key, device id, and clock",
    see: errorCodes,
  },
  {
    id: "IOT-39",
    kind: "lock-lost",
    match: { text: /DeliveryCountExceeded/i },
    because: "the message was abandoned, or its lock ran out, more often than the hub allows",
    remedy: "settle in time; reject what cannot be handled",
    see: cloudToDevice,
  },
  {
    id: "IOT-42",
    kind: "not-found",
    match: { text: /MessageExpired/i },
    because: "the message's life ended before the device took it",
    remedy: "give it a longer life; the device was probably offline",
    see: cloudToDevice,
  },
  {
    id: "IOT-26",
    kind: "throttled",
    match: { text: /\b429001\b|ThrottlingException|ThrottlingBacklogTimeout|device-container-throttled/i },
    because: "a limit of the hub's tier is exceeded",
    remedy: "repeated no sooner than the throttle delay; pace the device, or add units",
    see: quotas,
  },
  {
    id: "iot-throttled",
    kind: "throttled",
    match: { name: "ThrottlingError" },
    because: "a limit of the hub's tier is exceeded",
    remedy: "repeated no sooner than the throttle delay; pace the device, or add units",
    see: quotas,
  },
  {
    id: "iot-throttled",
    kind: "throttled",
    match: { status: 429 },
    because: "a limit of the hub's tier is exceeded",
    remedy: "repeated no sooner than the throttle delay; pace the device, or add units",
    see: quotas,
  },
  {
    id: "IOT-32",
    kind: "transient",
    match: { text: /\b5000?001\b.*|\bServerError\b/ },
    sent: "maybe",
    because: "the hub had an error of its own",
    remedy: "repeated; if it lasts, look at the service's health",
    see: errorCodes,
  },
  {
    id: "IOT-33",
    kind: "timeout",
    match: { text: /\b500008\b|GenericTimeout/i },
    sent: "maybe",
    because: "the hub did not complete the request in time",
    remedy: "repeated on a new connection",
    see: errorCodes,
  },
  // What the system says stands in the text of nearly every error of the official client, so it goes before the names.
  ...systemFaults,
  {
    // The MQTT transport calls every failure of the first connection "Not authorized"; only a CONNACK of 4 or 5 is one.
    id: "first-connection",
    kind: "disconnected",
    match: { text: /Failure on first connection \(Not authorized\): (?!.*Connection refused: )/ },
    because:
      'the first connection could not be made; the official client calls that "Not authorized", which it is not',
    remedy: "repeated until the hub can be reached",
    see: reconnecting,
  },
  {
    id: "IOT-34",
    kind: "transient",
    match: { text: /Server unavailable|ServiceUnavailable|com\.microsoft:timeout|Service Unavailable/i },
    sent: "maybe",
    because: "the hub is unavailable for the moment",
    remedy: "repeated, on a new connection when it was a connection that failed",
    see: errorCodes,
  },
  {
    id: "IOT-34",
    kind: "transient",
    match: { name: "ServiceUnavailableError" },
    sent: "maybe",
    because: "the hub is unavailable for the moment",
    remedy: "repeated",
    see: errorCodes,
  },
  {
    id: "IOT-35",
    kind: "transient",
    match: { text: /InternalServerError|amqp:internal-error|unrecognized packet type/i },
    sent: "maybe",
    because: "the hub had an error of its own",
    remedy: "repeated; if it lasts, look at the service's health",
    see: errorCodes,
  },
  {
    id: "IOT-35",
    kind: "transient",
    match: { name: "InternalServerError" },
    sent: "maybe",
    because: "the hub had an error of its own",
    remedy: "repeated; if it lasts, look at the service's health",
    see: errorCodes,
  },
  {
    id: "IOT-43",
    kind: "auth",
    match: {
      text: /Unauthorized \(no error code\)|Connection refused: (?:Not authorized|Bad username or password|Identifier rejected)/i,
    },
    because: "the hub refused the credentials, without saying why",
    remedy: "check key, device id, whether the device exists and is enabled, and the clock",
    see: errorCodes,
  },
  {
    id: "IOT-43",
    kind: "auth",
    match: { name: "UnauthorizedError" },
    because: "the hub refused the credentials, without saying why",
    remedy: "check key, device id, whether the device exists and is enabled, and the clock",
    see: errorCodes,
  },
  {
    id: "iot-http-unauthorized",
    kind: "auth",
    match: { status: 401 },
    because: "the hub refused the credentials",
    remedy: "check key, device id, whether the device exists and is enabled, and the clock",
    see: errorCodes,
  },
  {
    id: "iot-twin-rejected",
    kind: "client-bug",
    match: { text: /The twin request failed with status 4\d\d/ },
    because: "the hub does not accept the twin patch",
    remedy: "read the message; a twin takes 32 KB of reported properties, ten levels deep",
    see: learn("iot-hub-devguide-device-twins"),
  },
  {
    id: "iot-twin-failed",
    kind: "transient",
    match: { text: /The twin request failed with status 5\d\d|not an answer to a twin request/ },
    sent: "maybe",
    because: "the hub could not answer the twin request",
    remedy: "repeated",
    see: learn("iot-hub-devguide-device-twins"),
  },
  {
    id: "iot-too-large",
    kind: "too-large",
    match: { name: ["MessageTooLargeError"] },
    because: "the message is larger than the hub takes (256 KB with its properties)",
    remedy: "send less at a time, or upload a file and send a reference",
    see: quotas,
  },
  {
    id: "iot-too-large",
    kind: "too-large",
    match: { status: 413 },
    because: "the message is larger than the hub takes (256 KB with its properties)",
    remedy: "send less at a time, or upload a file and send a reference",
    see: quotas,
  },
  {
    id: "iot-quota",
    kind: "quota",
    match: { name: ["IotHubQuotaExceededError", "IoTHubSuspendedError", "TooManyDevicesError"] },
    because: "a quota of the hub is used up",
    remedy: "wait for midnight UTC, or add units",
    see: quotas,
  },
  {
    id: "iot-lock-lost",
    kind: "lock-lost",
    match: { name: "DeviceMessageLockLostError" },
    because: "the message's lock ended, or the link that delivered it is gone",
    remedy: "it will be delivered again; make the handler idempotent",
    see: cloudToDevice,
  },
  {
    id: "iot-timeout",
    kind: "timeout",
    match: { name: "TimeoutError" },
    sent: "maybe",
    because: "the hub did not acknowledge in time",
    remedy: "sent again with the same messageId, on a new connection",
    see: reconnecting,
  },
  {
    id: "iot-detached",
    kind: "disconnected",
    match: {
      name: [
        "CloudToDeviceDetachedError",
        "DeviceMethodsDetachedError",
        "TwinDetachedError",
        "NotConnectedError",
      ],
    },
    sent: "maybe",
    because: "the connection, or a link on it, was lost",
    remedy: "repeated when the device is connected again, with the same messageId",
    see: reconnecting,
  },
  {
    id: "iot-closed-remotely",
    kind: "disconnected",
    match: {
      text: /Connection (?:to the server has been )?closed|connection was lost|detach-forced|connection:forced|AMQP client disconnected|Keepalive timeout/i,
    },
    sent: "maybe",
    because: "the connection was closed",
    remedy: "repeated when the device is connected again",
    see: reconnecting,
  },
  {
    id: "iot-cancelled",
    kind: "cancelled",
    match: { name: "OperationCancelledError" },
    because: "the operation was cancelled",
    remedy: "nothing to do",
  },
  {
    id: "iot-precondition",
    kind: "conflict",
    match: { name: ["PreconditionFailedError", "InvalidEtagError", "DeviceAlreadyExistsError"] },
    because: "somebody changed it meanwhile",
    remedy: "read it again",
  },
  {
    id: "iot-http-server",
    kind: "transient",
    match: { status: [408, 500, 502, 503, 504] },
    sent: "maybe",
    because: "the hub, or the storage behind it, could not answer",
    remedy: "repeated",
    see: errorCodes,
  },
  {
    id: "iot-http-not-found",
    kind: "not-found",
    match: { status: 404 },
    because: "the hub does not know the device, or the upload",
    remedy: "register the device; an upload is forgotten after an hour",
    see: errorCodes,
  },
  {
    id: "iot-invalid",
    kind: "client-bug",
    match: {
      name: [
        "ArgumentError",
        "ArgumentOutOfRangeError",
        "FormatError",
        "InvalidOperationError",
        "NotImplementedError",
      ],
    },
    because: "the call is not one that this transport or the hub takes",
    remedy: "read the message",
  },
];

/** What the official errors say beside name and message: the answer's body, and what the MQTT library said. */
interface OfficialError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly condition?: unknown;
  readonly statusCode?: unknown;
  readonly response?: unknown;
  readonly responseBody?: unknown;
  readonly transportError?: unknown;
  readonly amqpError?: unknown;
  readonly innerError?: unknown;
  readonly cause?: unknown;
}

/** Turns an error of the official client into a fault. Own rows, tried first, go before ours. */
export function classifyIotDevice(own: readonly FaultRow[] = []): Classify {
  const classify = faultTable("iot-device", [...own, ...iotDeviceFaults]);
  return (error, wallNowMs) => classify(readable(error, 0), wallNowMs);
}

/** Nested four deep are the uploads' errors; anything deeper is a loop. */
const deepest = 4;

/** The error as the table can read it: with the codes that the official client leaves in the answer's body. */
function readable(error: unknown, depth: number): unknown {
  if (typeof error !== "object" || error === null || depth > deepest) return error;
  const { responseBody, transportError, amqpError, innerError, response } = error as OfficialError;
  if ([responseBody, transportError, amqpError, innerError, response].every((field) => field === undefined)) {
    return error;
  }
  const { name, message, code, condition, statusCode, cause } = error as OfficialError;
  const body = typeof responseBody === "string" ? `\n${responseBody}` : "";
  const answered = typeof response === "object" && response !== null ? (response as OfficialError) : {};
  return {
    ...{ name, code, condition, response },
    message: `${typeof message === "string" ? message : ""}${body}`,
    statusCode: statusCode ?? answered.statusCode,
    // The table tries the first of these last, so what is nearest to the wire decides only where the names say nothing.
    errors: [transportError, amqpError, innerError, cause].map((inner) => readable(inner, depth + 1)),
  };
}
