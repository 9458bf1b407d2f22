import type { FaultRow } from "@holdfast/core";

export const learn = (page: string): string => `https://learn.microsoft.com/azure/iot-hub/${page}`;
export const errorCodes = learn("troubleshoot-error-codes");
export const quotas = learn("iot-hub-devguide-quotas-throttling");
export const cloudToDevice = learn("iot-hub-devguide-messages-c2d");
export const reconnecting = learn("concepts-manage-device-reconnections");

/**
 * What has a documented code or name of its own, in the error's text or in the answer's body. Rows for what only the service
 * side sees are here too, so that tools can explain them.
 */
export const documentedFaults: readonly FaultRow[] = [
  {
    id: "identity-in-use",
    kind: "conflict",
    match: { name: "HoldfastError", code: "duplicate-identity", text: /client of this process/ },
    because: "another client of this process is connected under this identity",
    remedy: "use that client, or close it first",
    see: errorCodes,
  },
  {
    id: "duplicate-identity",
    kind: "duplicate-identity",
    match: { name: "HoldfastError", code: "duplicate-identity" },
    because:
      "the hub closed the connection again and again, as it does when another one uses the same identity",
    remedy: "give each device an identity of its own; this one stays away for a while between attempts",
    see: errorCodes,
  },
  {
    id: "outbox-full",
    kind: "quota",
    match: { name: "HoldfastError", code: "outbox-full" },
    because: "the outbox holds as many messages, or bytes, as it may",
    remedy: "send less while the device is offline, enlarge the outbox, or let it drop the oldest",
  },
  {
    id: "outbox-expired",
    kind: "timeout",
    match: { name: "HoldfastError", code: "expired" },
    because: "the message's time in the outbox ended before it could be sent",
    remedy: "give it more time, or do without it",
  },
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
    // What azure-iothub makes of it.
    id: "IOT-10",
    kind: "quota",
    match: { name: "DeviceMaximumQueueDepthExceededError" },
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
    // OpenSSL's own words, from before anything is sent: another certificate, or another passphrase, is the only remedy.
    id: "IOT-44",
    kind: "auth",
    match: { text: /\berror:[0-9A-F]{8}:(?:PEM|Provider|X509 certificate|digital envelope) routines:/i },
    because: "the device's certificate and key cannot be used: they do not match, or the passphrase is wrong",
    remedy: "check the files behind cert and key, and the passphrase; then setOptions() once more",
    see: learn("iot-hub-x509ca-overview"),
  },
  {
    // The hub's answer to a certificate, in the words of TLS.
    id: "IOT-44",
    kind: "auth",
    match: {
      text: /\balert (?:bad certificate|certificate (?:required|expired|revoked|unknown)|unknown ca)\b/i,
    },
    because: "the hub does not take the device's certificate: it is missing, expired, or not known there",
    remedy: "renew the certificate, and compare its thumbprint with that of the device in the hub's registry",
    see: learn("iot-hub-x509ca-overview"),
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
];
