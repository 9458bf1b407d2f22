import { realClock, type SimulatorClock } from "../clock.ts";
import type { Certificate } from "../sockets/certificate.ts";

/** A right that a policy of the hub gives. */
export type HubRight = "RegistryRead" | "RegistryWrite" | "ServiceConnect" | "DeviceConnect";

/** A shared access policy of the hub. */
export interface HubPolicy {
  readonly name: string;
  /** Base64. */
  readonly key: string;
  readonly rights: readonly HubRight[];
}

/** A device or module that is registered when the simulator starts. */
export interface IdentityOptions {
  readonly deviceId: string;
  /** Registers a module of the device; the device is registered too. */
  readonly moduleId?: string;
  /** Base64. Default: derived from the id, so that it is the same in every run. */
  readonly primaryKey?: string;
  readonly secondaryKey?: string;
  /** SHA-1 or SHA-256 fingerprint of a self-signed certificate, in hexadecimal: the device is of X.509 then. */
  readonly primaryThumbprint?: string;
  readonly secondaryThumbprint?: string;
  /** Default `enabled`. */
  readonly status?: "enabled" | "disabled";
}

/** How cloud-to-device messages are kept. */
export interface CloudToDeviceOptions {
  /** Messages that a device's queue holds, delivered ones included. Default 50, the service's. */
  readonly maxQueueDepth?: number;
  /** Deliveries before a message is dead-lettered. Default 10. */
  readonly maxDeliveryCount?: number;
  /** How long a delivered message stays locked, in milliseconds. Default 60 000. AMQP and HTTPS. */
  readonly lockDurationMs?: number;
  /** Time to live of messages that give no expiry, in milliseconds. Default 3 600 000. */
  readonly defaultTtlMs?: number;
}

/** The built-in endpoint, from which services read what devices send; compatible with Event Hubs. */
export interface EventHubOptions {
  /** Default: the first part of `hostName`. */
  readonly name?: string;
  /** Default 4. A device's messages are all in one of them. */
  readonly partitions?: number;
}

/** Limits on how fast the hub takes things. Without it nothing is throttled. */
export interface ThrottleOptions {
  /** Device-to-cloud messages a second that are processed; what comes faster waits (traffic shaping). */
  readonly sendsPerSecond?: number;
  /** How long shaping may hold a message back before it is refused with 429001, in milliseconds. Default 2000. */
  readonly maxShapingMs?: number;
  /** New connections a second; those beyond are refused. */
  readonly connectionsPerSecond?: number;
  /** Twin reads and updates a second by devices; those beyond are refused with 429001. */
  readonly twinOperationsPerSecond?: number;
  /** `Retry-After` of a 429 over HTTPS, in seconds. Default: none. */
  readonly retryAfterSeconds?: number;
}

/** How a simulated hub is set up. */
export interface IotHubOptions {
  /** Devices, by id or with settings. */
  readonly devices?: readonly (string | IdentityOptions)[];
  /** What the hub calls itself, in tokens and user names. Default `simulated.azure-devices.net`. */
  readonly hostName?: string;
  /** Shared access policies. Default: `iothubowner`, `service`, `device`, `registryRead`, `registryReadWrite`. */
  readonly policies?: readonly HubPolicy[];
  /** Ports on `host`. Default 0 each: any free one. MQTT and AMQP are understood on either of their ports. */
  readonly ports?: {
    readonly mqtt?: number;
    readonly amqp?: number;
    readonly https?: number;
    readonly blob?: number;
  };
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Decides what `faults.probability` does; the same seed gives the same run. Default 1. */
  readonly seed?: number;
  readonly cloudToDevice?: CloudToDeviceOptions;
  readonly throttle?: ThrottleOptions;
  readonly eventHub?: EventHubOptions;
  /** File uploads that a device may have begun and not reported as finished. Default 10, the service's. */
  readonly maxActiveUploads?: number;
  /** How long a file upload stays active without a notification, in milliseconds. Default 3 600 000. */
  readonly uploadTtlMs?: number;
  /** How long each acceptance of a device-to-cloud message is held back, in milliseconds. Default 0. */
  readonly acknowledgementDelayMs?: number;
  /** How long a connection outlives its token, in milliseconds. Default 0. */
  readonly tokenGraceMs?: number;
  /** Subscriptions that one MQTT connection may hold. Default 5, the service's. */
  readonly maxSubscriptions?: number;
  /** The certificate to show, in PEM. Default: one for `localhost`, made at start-up. */
  readonly certificate?: Certificate;
  /** Time, for tests that replace it. Default: real time. */
  readonly clock?: SimulatorClock;
}

/** {@link IotHubOptions} with every default filled in. */
export interface IotHubSettings extends Required<
  Omit<IotHubOptions, "devices" | "ports" | "cloudToDevice" | "throttle" | "eventHub" | "certificate">
> {
  readonly devices: readonly IdentityOptions[];
  readonly ports: {
    readonly mqtt: number;
    readonly amqp: number;
    readonly https: number;
    readonly blob: number;
  };
  readonly cloudToDevice: Required<CloudToDeviceOptions>;
  readonly throttle: ThrottleOptions;
  readonly eventHub: Required<EventHubOptions>;
  readonly certificate: Certificate | undefined;
}

const policy = (name: string, ...rights: HubRight[]): HubPolicy =>
  Object.freeze({
    name,
    key: Buffer.from(`simulated-key-of-policy-${name}`.padEnd(32, ".")).toString("base64"),
    rights: Object.freeze(rights),
  });

const defaultPolicies = Object.freeze([
  policy("iothubowner", "RegistryRead", "RegistryWrite", "ServiceConnect", "DeviceConnect"),
  policy("service", "ServiceConnect"),
  policy("device", "DeviceConnect"),
  policy("registryRead", "RegistryRead"),
  policy("registryReadWrite", "RegistryRead", "RegistryWrite"),
]);

function number(option: string, value: number, min: number, max = Infinity, integer = true): number {
  if (
    typeof value !== "number" ||
    !(value >= min && value <= max) ||
    (integer && value !== Infinity && !Number.isInteger(value))
  ) {
    const range = max === Infinity ? `at least ${String(min)}` : `between ${String(min)} and ${String(max)}`;
    throw new RangeError(
      `iotHub: ${option} must be ${integer ? "an integer of " : ""}${range}, got ${String(value)}`,
    );
  }
  return value;
}

// The service's own rule for device and module ids.
const ID = /^[A-Za-z0-9\-.%_*?!(),:=@$']{1,128}$/;

/** Checks a device or module id. Throws a TypeError that names `option`. */
export function checkedId(option: string, value: unknown): string {
  if (typeof value !== "string" || !ID.test(value)) {
    throw new TypeError(
      `iotHub: ${option} must be 1 to 128 of the characters A-Z a-z 0-9 - . % _ * ? ! ( ) , : = @ $ ', got ${JSON.stringify(value)}`,
    );
  }
  return value;
}

function identity(given: string | IdentityOptions): IdentityOptions {
  const options: IdentityOptions = typeof given === "string" ? { deviceId: given } : given;
  checkedId("devices[].deviceId", options.deviceId);
  if (options.moduleId !== undefined) checkedId("devices[].moduleId", options.moduleId);
  return options;
}

/** Checks the options and fills in the defaults. Throws naming the option, its value and what is allowed. */
export function iotHubSettings(options: IotHubOptions): IotHubSettings {
  const { ports = {}, cloudToDevice: c2d = {}, throttle = {}, eventHub = {} } = options;
  const hostName = options.hostName ?? "simulated.azure-devices.net";
  const port = (name: keyof typeof ports): number => number(`ports.${name}`, ports[name] ?? 0, 0, 65_535);
  const positive = ["sendsPerSecond", "connectionsPerSecond", "twinOperationsPerSecond"] as const;
  for (const name of positive) number(`throttle.${name}`, throttle[name] ?? 1, 0.001, Infinity, false);
  for (const name of ["maxShapingMs", "retryAfterSeconds"] as const) {
    number(`throttle.${name}`, throttle[name] ?? 0, 0, Infinity, false);
  }
  const ms = (name: string, value: number, min = 0): number => number(name, value, min, Infinity, false);
  return Object.freeze({
    devices: (options.devices ?? []).map(identity),
    hostName,
    policies: options.policies ?? defaultPolicies,
    ports: { mqtt: port("mqtt"), amqp: port("amqp"), https: port("https"), blob: port("blob") },
    host: options.host ?? "127.0.0.1",
    seed: number("seed", options.seed ?? 1, 0, 4_294_967_295),
    cloudToDevice: {
      maxQueueDepth: number("cloudToDevice.maxQueueDepth", c2d.maxQueueDepth ?? 50, 1),
      maxDeliveryCount: number("cloudToDevice.maxDeliveryCount", c2d.maxDeliveryCount ?? 10, 1, 100),
      lockDurationMs: ms("cloudToDevice.lockDurationMs", c2d.lockDurationMs ?? 60_000, 1),
      defaultTtlMs: ms("cloudToDevice.defaultTtlMs", c2d.defaultTtlMs ?? 3_600_000, 1),
    },
    throttle,
    eventHub: {
      name: eventHub.name ?? hostName.split(".", 1)[0] ?? "",
      partitions: number("eventHub.partitions", eventHub.partitions ?? 4, 1, 128),
    },
    maxActiveUploads: number("maxActiveUploads", options.maxActiveUploads ?? 10, 1),
    uploadTtlMs: ms("uploadTtlMs", options.uploadTtlMs ?? 3_600_000, 1),
    acknowledgementDelayMs: ms("acknowledgementDelayMs", options.acknowledgementDelayMs ?? 0),
    tokenGraceMs: ms("tokenGraceMs", options.tokenGraceMs ?? 0),
    maxSubscriptions: number("maxSubscriptions", options.maxSubscriptions ?? 5, 1),
    certificate: options.certificate,
    clock: options.clock ?? realClock,
  });
}
