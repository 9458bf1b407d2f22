import { realClock, type SimulatorClock } from "../clock.ts";
import type { CreditOptions } from "./throttle.ts";

/** A right that a shared access key gives. `Manage` includes the other two. */
export type Claim = "Send" | "Listen" | "Manage";

/** A shared access key of the namespace. */
export interface SharedAccessKey {
  readonly name: string;
  readonly key: string;
  readonly claims: readonly Claim[];
}

/** A queue and its settings. */
export interface QueueOptions {
  readonly name: string;
  /** How long a message id is remembered, in milliseconds. Default 0: no duplicate detection. */
  readonly duplicateDetectionWindowMs?: number;
  /** How long a received message stays locked, in milliseconds. Default 60 000. */
  readonly lockDurationMs?: number;
  /** Unsuccessful deliveries before a message is dead-lettered. Default 10. */
  readonly maxDeliveryCount?: number;
  /** Largest transfer, in bytes; announced on the link. Default 262 144, the Standard tier's. */
  readonly maxMessageSizeBytes?: number;
  /**
   * Largest batch, in bytes; announced on the link. Default 1 048 576 or `maxMessageSizeBytes`, whichever is less: on
   * the Premium tier a single message may be larger than a batch.
   */
  readonly maxBatchSizeBytes?: number;
  /** Bytes the queue and its dead-letter queue may hold. Default 1 GiB. */
  readonly maxSizeBytes?: number;
  /** Time to live for messages that give none, in milliseconds. Default: for ever. */
  readonly defaultTimeToLiveMs?: number;
  /** Whether a message that outlives its time to live goes to the dead-letter queue. Default false. */
  readonly deadLetterOnExpiration?: boolean;
  /** Whether the queue starts disabled. Default false. */
  readonly disabled?: boolean;
}

/** How a simulated namespace is set up. */
export interface ServiceBusOptions {
  /** The queues, by name or with settings. */
  readonly queues?: readonly (string | QueueOptions)[];
  /** Decides what `faults.probability` does; the same seed gives the same run. Default 1. */
  readonly seed?: number;
  /** Port for plain TCP on 127.0.0.1. Default 0: any free one. */
  readonly port?: number;
  /** Also listen for TLS, with a certificate made at start-up. Default false. */
  readonly tls?: boolean;
  /** Also listen for AMQP over WebSocket; with `tls`, over secure WebSocket too. Default false. */
  readonly webSocket?: boolean;
  /** Shared access keys. Default: `RootManageSharedAccessKey` with all claims. */
  readonly keys?: readonly SharedAccessKey[];
  /** Throttling: when a window of one second is overspent, further requests meet error 50009. Default: none. */
  readonly credits?: CreditOptions;
  /** Distinct audiences of put-token requests that one connection may hold. Default 1000. */
  readonly maxTokensPerConnection?: number;
  /** How long each acceptance is held back, in milliseconds. Default 0. */
  readonly acknowledgementDelayMs?: number;
  /** Credit given to senders. Default 1000, the service's. */
  readonly linkCredit?: number;
  /** Time, for tests that replace it. Default: real time. */
  readonly clock?: SimulatorClock;
}

/** {@link QueueOptions} with every default filled in. */
export type QueueSettings = Required<QueueOptions>;

/** {@link ServiceBusOptions} with every default filled in. */
export interface ServiceBusSettings extends Required<Omit<ServiceBusOptions, "queues" | "credits">> {
  readonly queues: readonly QueueSettings[];
  readonly credits: CreditOptions | undefined;
}

const defaultKey: SharedAccessKey = Object.freeze({
  name: "RootManageSharedAccessKey",
  key: "c2ltdWxhdGVkLWtleS1ub3QtYS1zZWNyZXQtMDEyMzQ1Njc4OQ==",
  claims: Object.freeze(["Send", "Listen", "Manage"] as const),
});

function number(option: string, value: number, min: number, max = Infinity, integer = true): number {
  if (
    typeof value !== "number" ||
    !(value >= min && value <= max) ||
    (integer && value !== Infinity && !Number.isInteger(value))
  ) {
    const range = max === Infinity ? `at least ${String(min)}` : `between ${String(min)} and ${String(max)}`;
    throw new RangeError(
      `serviceBus: ${option} must be ${integer ? "an integer of " : ""}${range}, got ${String(value)}`,
    );
  }
  return value;
}

function name(option: string, value: unknown): string {
  if (
    typeof value !== "string" ||
    value.length < 1 ||
    value.length > 260 ||
    /[\s?#\\]|^\/|\/$|\$/.test(value)
  ) {
    throw new TypeError(
      `serviceBus: ${option} must be an entity path of 1 to 260 characters without spaces, "?", "#", "$", "\\" or an outer "/", got ${JSON.stringify(value)}`,
    );
  }
  return value;
}

/** Checks a queue's options and fills in the defaults. */
function queueSettings(given: string | QueueOptions): QueueSettings {
  const options: QueueOptions = typeof given === "string" ? { name: given } : given;
  const path = name("queues[].name", options.name);
  const at = (option: string): string => `queue "${path}": ${option}`;
  const maxMessageSizeBytes = number(
    at("maxMessageSizeBytes"),
    options.maxMessageSizeBytes ?? 262_144,
    1_024,
    104_857_600,
  );
  return Object.freeze({
    name: path,
    duplicateDetectionWindowMs: number(
      at("duplicateDetectionWindowMs"),
      options.duplicateDetectionWindowMs ?? 0,
      0,
      Infinity,
      false,
    ),
    lockDurationMs: number(at("lockDurationMs"), options.lockDurationMs ?? 60_000, 1, 300_000, false),
    maxDeliveryCount: number(at("maxDeliveryCount"), options.maxDeliveryCount ?? 10, 1, 2_000),
    maxMessageSizeBytes,
    maxBatchSizeBytes: number(
      at("maxBatchSizeBytes"),
      options.maxBatchSizeBytes ?? Math.min(1_048_576, maxMessageSizeBytes),
      1_024,
      maxMessageSizeBytes,
    ),
    maxSizeBytes: number(at("maxSizeBytes"), options.maxSizeBytes ?? 1_073_741_824, 1),
    defaultTimeToLiveMs: number(
      at("defaultTimeToLiveMs"),
      options.defaultTimeToLiveMs ?? Infinity,
      1,
      Infinity,
      false,
    ),
    deadLetterOnExpiration: options.deadLetterOnExpiration ?? false,
    disabled: options.disabled ?? false,
  });
}

function sharedAccessKey(given: SharedAccessKey): SharedAccessKey {
  const known: readonly string[] = ["Send", "Listen", "Manage"];
  if (given.name === "" || given.key === "") {
    throw new TypeError("serviceBus: keys[] must have a name and a key, got an empty one");
  }
  const unknown = given.claims.find((claim) => !known.includes(claim));
  if (unknown !== undefined) {
    throw new TypeError(`serviceBus: keys[].claims must be among ${known.join(", ")}, got ${unknown}`);
  }
  return given;
}

/** Checks the options and fills in the defaults. Throws naming the option, its value and what is allowed. */
export function serviceBusSettings(options: ServiceBusOptions): ServiceBusSettings {
  const queues = (options.queues ?? []).map(queueSettings);
  const seen = new Set<string>();
  for (const queue of queues) {
    const key = queue.name.toLowerCase();
    if (seen.has(key))
      throw new TypeError(`serviceBus: queues[].name must be unique, got "${queue.name}" twice`);
    seen.add(key);
  }
  const { credits } = options;
  if (credits !== undefined) {
    number("credits.perSecond", credits.perSecond, 1);
    number("credits.perMessage", credits.perMessage ?? 1, 0, Infinity, false);
    number("credits.perManagementCall", credits.perManagementCall ?? 10, 0, Infinity, false);
  }
  return Object.freeze({
    queues,
    seed: number("seed", options.seed ?? 1, 0, 4_294_967_295),
    port: number("port", options.port ?? 0, 0, 65_535),
    tls: options.tls ?? false,
    webSocket: options.webSocket ?? false,
    keys: (options.keys ?? [defaultKey]).map(sharedAccessKey),
    credits,
    maxTokensPerConnection: number("maxTokensPerConnection", options.maxTokensPerConnection ?? 1_000, 1),
    acknowledgementDelayMs: number(
      "acknowledgementDelayMs",
      options.acknowledgementDelayMs ?? 0,
      0,
      Infinity,
      false,
    ),
    linkCredit: number("linkCredit", options.linkCredit ?? 1_000, 1, 2_048),
    clock: options.clock ?? realClock,
  });
}
