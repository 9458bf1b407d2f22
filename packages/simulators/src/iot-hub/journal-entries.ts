import type { IotHubStep } from "./faults.ts";

/** When something happened: milliseconds on the simulator's monotonic clock, fractional. */
export interface Moment {
  readonly at: number;
}

/** Which protocol over which transport. */
export type HubProtocol = "mqtt" | "mqtt-ws" | "amqp" | "amqp-ws" | "https";

/** Whom an entry is about. `device` is the device id, or `device/module` for a module. */
export interface About {
  readonly device: string;
}

/** A connection of a device or a service; over HTTPS see {@link RequestEntry}. */
export interface HubConnectionEntry extends Moment {
  /** Counts from 1 over the life of the simulator. */
  readonly connection: number;
  readonly protocol: HubProtocol;
  readonly peer: string;
  /** Undefined until the client has said who it is. AMQP connections may carry more than one: the first. */
  device?: string;
  /** MQTT. */
  userName?: string;
  cleanSession?: boolean;
  keepAliveSeconds?: number;
  /** The password of the CONNECT packet, or its absence: tells renewals apart. Signatures are left out. */
  tokenExpiresAt?: number;
  /** Of the CONNACK, 0 when accepted; undefined when none was sent. AMQP: undefined. */
  returnCode?: number;
  sessionPresent?: boolean;
  /** When the client was let in. */
  openedAt?: number;
  closedAt?: number;
  /** Why it ended: `client` (a DISCONNECT or close), `lost`, or the name of the error it was closed with. */
  closedBecause?: string;
}

/** A token or certificate that was shown. */
export interface HubTokenEntry extends Moment {
  readonly connection: number | undefined;
  readonly protocol: HubProtocol;
  /** What the token is for, or whose certificate it is. */
  readonly audience: string;
  /** 200, or 401 and so on. */
  readonly status: number;
  readonly description: string;
  readonly keyName?: string;
}

/** A subscription (MQTT) or a link (AMQP). */
export interface HubSubscriptionEntry extends Moment, About {
  readonly connection: number;
  /** Topic filter or link address. */
  readonly topic: string;
  readonly qos: number;
  readonly outcome: "granted" | "refused" | "unanswered" | "ended";
  readonly condition?: string;
}

/** A device-to-cloud message that arrived: each try of each send. */
export interface HubAttemptEntry extends Moment, About {
  readonly connection: number | undefined;
  readonly protocol: HubProtocol;
  readonly messageId: string | undefined;
  readonly bytes: number;
  /** The DUP flag of MQTT. */
  readonly duplicate: boolean;
  outcome: "pending" | "accepted" | "refused" | "unanswered";
  readonly fault?: string;
}

/** The acceptance of a device-to-cloud message was written. */
export interface HubAcceptedEntry extends Moment, About {
  readonly connection: number | undefined;
  readonly messageId: string | undefined;
}

/** A refusal was written, at any step. */
export interface HubRefusalEntry extends Moment {
  readonly step: IotHubStep;
  readonly device: string | undefined;
  readonly connection: number | undefined;
  readonly protocol: HubProtocol;
  readonly code: number | undefined;
  readonly name: string;
  readonly status: number;
  readonly messageId?: string;
}

/** A device-to-cloud message as a consumer of the hub's events would read it. */
export interface TelemetryEntry extends Moment, About {
  /** When it was taken over, in milliseconds since the Unix epoch. */
  readonly enqueuedAt: number;
  /** Counts from 1 over the life of the simulator. */
  readonly sequenceNumber: number;
  readonly connection: number | undefined;
  readonly protocol: HubProtocol;
  readonly deviceId: string;
  readonly moduleId: string | undefined;
  readonly outputName: string | undefined;
  readonly messageId: string | undefined;
  readonly correlationId: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** All system properties, by their names without `$.`. */
  readonly systemProperties: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A cloud-to-device message that the hub has taken into a device's queue. */
export interface CommandEntry extends Moment, About {
  readonly messageId: string;
  readonly sequenceNumber: number;
  readonly ack: string;
}

/** A cloud-to-device message was handed to a device. */
export interface HubDeliveredEntry extends Moment, About {
  readonly connection: number | undefined;
  readonly protocol: HubProtocol;
  readonly messageId: string;
  readonly sequenceNumber: number;
  readonly deliveryCount: number;
}

/** What became of a cloud-to-device message. */
export type CommandOutcome =
  | "completed"
  | "rejected"
  | "abandoned"
  | "lock-expired"
  | "connection-lost"
  | "expired"
  | "delivery-count-exceeded"
  | "purged";

/** A settlement that took effect, or what ended a message without one. */
export interface HubSettledEntry extends Moment, About {
  readonly messageId: string;
  readonly sequenceNumber: number;
  readonly deliveryCount: number;
  readonly outcome: CommandOutcome;
  readonly connection: number | undefined;
}

/** A twin operation. */
export interface TwinEntry extends Moment, About {
  readonly operation: "get" | "update-reported" | "desired-pushed" | "service-get" | "service-update";
  /** Of the answer; undefined when there was none. */
  readonly status: number | undefined;
  readonly version: number | undefined;
  readonly connection: number | undefined;
  readonly body: unknown;
}

/** A direct method call. */
export interface MethodEntry extends Moment, About {
  readonly name: string;
  readonly payload: unknown;
  readonly requestId: string;
  /** Undefined when it never went to the device. */
  sentAt?: number;
  answeredAt?: number;
  /** What the device said. */
  status?: number;
  response?: unknown;
  /** The error that the caller got instead. */
  code?: number;
}

/** A request over HTTPS. */
export interface RequestEntry extends Moment {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly device: string | undefined;
  /** Of the answer; undefined when there was none. */
  status?: number;
  /** Name of the error. */
  error?: string;
}

/** A file upload, from its beginning. */
export interface UploadEntry extends Moment, About {
  readonly correlationId: string;
  readonly blobName: string;
  /** When the file was there whole. */
  storedAt?: number;
  bytes?: number;
  notifiedAt?: number;
  isSuccess?: boolean;
  statusCode?: number;
  /** Ended without a notification. */
  expiredAt?: number;
}

/** A row as the hub's diagnostic logs have it (Azure Monitor, table AzureDiagnostics). */
export interface DiagnosticEntry extends Moment {
  readonly category:
    "Connections" | "DeviceTelemetry" | "C2DCommands" | "DirectMethods" | "FileUploadOperations";
  readonly level: "Information" | "Error";
  readonly operationName: string;
  /** The six-digit code, or the name when there is none; empty for information. */
  readonly resultType: string;
  readonly resultDescription: string;
  readonly device: string;
}

/** A scripted fault, or one that a device asked for in a message, that struck. */
export interface HubFaultEntry extends Moment {
  readonly step: IotHubStep | "fault-injection";
  readonly device: string | undefined;
  readonly kind: string;
}
