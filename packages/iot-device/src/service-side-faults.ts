import type { FaultKind, FaultRow } from "@holdfast/core";

const see = "https://learn.microsoft.com/azure/iot-hub/troubleshoot-error-codes";

const row = (
  id: string,
  kind: FaultKind,
  text: RegExp,
  because: string,
  remedy: string,
  sent?: "maybe",
): FaultRow => ({ id, kind, match: { text }, because, remedy, see, ...(sent && { sent }) });

/** The official client keeps of a refused upload notification the status' words, and nothing else. */
export const statusWords: readonly FaultRow[] = [
  row(
    "iot-http-not-found",
    "not-found",
    /^Not Found$/,
    "the hub does not know the upload",
    "it was ended before, or an hour ago",
  ),
  row(
    "iot-invalid",
    "client-bug",
    /^Bad Request$/,
    "the request is not one that the hub takes",
    "it may have been ended before",
  ),
  row(
    "iot-http-unauthorized",
    "auth",
    /^Unauthorized$/,
    "the hub refused the credentials",
    "check key, device id, and the clock",
  ),
  row(
    "iot-throttled",
    "throttled",
    /^Too Many Requests$/,
    "a limit of the hub's tier is exceeded",
    "repeated no sooner than the throttle delay",
  ),
  row(
    "iot-http-server",
    "transient",
    /^(?:Internal Server Error|Bad Gateway|Gateway Time-?out)$/i,
    "the hub could not answer",
    "repeated",
    "maybe",
  ),
];

/** Codes that a service meets far more often than a device, and the hub's logs show: for tools that explain them. */
export const serviceSideFaults: readonly FaultRow[] = [
  row(
    "iot-invalid",
    "client-bug",
    /\b400004\b|ArgumentInvalid/,
    "the request is not one that the hub takes",
    "read the message",
  ),
  row(
    "iot-module-not-found",
    "not-found",
    /\b404010\b|ModuleNotFound/,
    "the device has no module of this name",
    "register it, or correct the id",
  ),
  row(
    "iot-job-not-found",
    "not-found",
    /\b404002\b|JobNotFound/,
    "the hub knows no such job",
    "correct the id",
  ),
  row(
    "iot-device-exists",
    "conflict",
    /\b409001\b|DeviceAlreadyExists/,
    "a device of this name is registered already",
    "read it, and update it instead",
  ),
  row(
    "iot-precondition",
    "conflict",
    /\b412001\b|PreconditionFailed/,
    "somebody changed it meanwhile: the etag does not match",
    "read it again, and repeat the change",
  ),
  row(
    "iot-lock-lost",
    "lock-lost",
    /\b412002\b|DeviceMessageLockLost/,
    "the message's lock, of one minute, ended before it was settled",
    "it will be delivered again; make the handler idempotent, and settle in time",
  ),
  row(
    "iot-too-large",
    "too-large",
    /\b413001\b|MessageTooLarge\b/,
    "the message is larger than the hub takes (256 KB with its properties)",
    "send less at a time, or upload a file and send a reference",
  ),
  row(
    "iot-no-answer",
    "timeout",
    /\b504101\b|GatewayTimeout/,
    "the device did not answer the method call in time",
    "give it more time (responseTimeoutInSeconds), and repeat only what may run twice",
    "maybe",
  ),
];
