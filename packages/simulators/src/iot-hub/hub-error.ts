/**
 * An error of IoT Hub, in the forms that the transports have for it. Codes and names are those of the hub's
 * diagnostic logs; https://learn.microsoft.com/azure/iot-hub/troubleshoot-error-codes
 */
export interface HubError {
  /** The six-digit code; undefined for the errors that the documentation lists without one. */
  readonly code: number | undefined;
  readonly name: string;
  /** Status over HTTPS, and of a twin answer over MQTT and AMQP. */
  readonly status: number;
  /** Condition over AMQP. */
  readonly condition: string;
  /** Return code of a CONNACK. MQTT 3.2.2.3. */
  readonly returnCode: ConnackCode;
  readonly message: string;
  /** `Retry-After` over HTTPS, in seconds. */
  readonly retryAfterSeconds?: number;
}

/** A refusing return code of CONNACK: 1 protocol version, 2 identifier, 3 unavailable, 4 bad credentials, 5 not authorized. */
export type ConnackCode = 1 | 2 | 3 | 4 | 5;

const define = (
  code: number | undefined,
  name: string,
  status: number,
  condition: string,
  returnCode: ConnackCode,
  message: string,
): HubError => Object.freeze({ code, name, status, condition, returnCode, message });

/** The errors that the simulator gives, by what they mean. */
export const hubErrors = {
  argument: define(
    400004,
    "ArgumentInvalid",
    400,
    "com.microsoft:argument-error",
    5,
    "The argument is invalid.",
  ),
  takenOver: define(
    409002,
    "LinkCreationConflict",
    409,
    "amqp:link:stolen",
    5,
    "A new connection of the same device was made; this one is closed.",
  ),
  authenticationFailed: define(
    401002,
    "AuthenticationFailed",
    401,
    "amqp:unauthorized-access",
    5,
    "Authentication failed for this device, renew token or certificate and reconnect.",
  ),
  unauthorized: define(401003, "IotHubUnauthorized", 401, "amqp:unauthorized-access", 5, "Unauthorized"),
  quotaExceeded: define(
    403002,
    "IotHubQuotaExceeded",
    403,
    "amqp:resource-limit-exceeded",
    3,
    "Total number of messages on IotHub exceeded the allocated quota.",
  ),
  queueFull: define(
    403004,
    "DeviceMaximumQueueDepthExceeded",
    403,
    "amqp:resource-limit-exceeded",
    5,
    "Device Queue depth cannot exceed 50 messages",
  ),
  tooManyUploads: define(
    403006,
    "DeviceMaximumActiveFileUploadLimitExceeded",
    403,
    "amqp:resource-limit-exceeded",
    5,
    "Number of active file upload requests cannot exceed 10",
  ),
  deviceNotFound: define(404001, "DeviceNotFound", 404, "amqp:not-found", 5, "Device not registered"),
  moduleNotFound: define(404010, "ModuleNotFound", 404, "amqp:not-found", 5, "Module not registered"),
  deviceNotOnline: define(
    404103,
    "DeviceNotOnline",
    404,
    "amqp:not-found",
    5,
    "Timed out waiting for device to connect.",
  ),
  closedRemotely: define(
    404104,
    "DeviceConnectionClosedRemotely",
    404,
    "amqp:connection:forced",
    5,
    "The connection was closed by the device.",
  ),
  deviceExists: define(
    409001,
    "DeviceAlreadyExists",
    409,
    "com.microsoft:device-already-exists",
    5,
    "A device with the same ID is already registered",
  ),
  jobNotFound: define(404002, "JobNotFound", 404, "amqp:not-found", 5, "Job not found"),
  jobExists: define(
    undefined,
    "JobAlreadyExists",
    409,
    "amqp:not-allowed",
    5,
    "A job with the same ID exists",
  ),
  configurationNotFound: define(
    undefined,
    "ConfigurationNotFound",
    404,
    "amqp:not-found",
    5,
    "Configuration not found",
  ),
  configurationExists: define(
    undefined,
    "ConfigurationAlreadyExists",
    409,
    "amqp:not-allowed",
    5,
    "A configuration with the same ID exists",
  ),
  lockLost: define(
    412002,
    "DeviceMessageLockLost",
    412,
    "com.microsoft:message-lock-lost",
    5,
    "The lock of the message was lost.",
  ),
  preconditionFailed: define(
    412001,
    "PreconditionFailed",
    412,
    "com.microsoft:precondition-failed",
    5,
    "Precondition failed: the ETag does not match.",
  ),
  messageTooLarge: define(
    413001,
    "MessageTooLarge",
    413,
    "amqp:link:message-size-exceeded",
    5,
    "Message size exceeds the limit of 262144 bytes.",
  ),
  throttled: define(
    429001,
    "ThrottlingException",
    429,
    "com.microsoft:device-container-throttled",
    3,
    "THROTTLING_EXCEPTION: Your IoT Hub is throttled. Retry later with backoff.",
  ),
  serverError: define(500001, "ServerError", 500, "amqp:internal-error", 3, "A server error occurred."),
  genericTimeout: define(
    500008,
    "GenericTimeout",
    500,
    "com.microsoft:timeout",
    3,
    "The operation did not complete in the allotted time.",
  ),
  internalError: define(
    undefined,
    "InternalServerError",
    500,
    "amqp:internal-error",
    3,
    "An internal error occurred.",
  ),
  unavailable: define(
    undefined,
    "ServiceUnavailable",
    503,
    "com.microsoft:timeout",
    3,
    "Service unavailable. Retry the operation.",
  ),
  gatewayTimeout: define(
    504101,
    "GatewayTimeout",
    504,
    "com.microsoft:timeout",
    3,
    "Timed out waiting for the response from device.",
  ),
} as const;
