import { choiceOption, numberOption, pathOption } from "./option-checks.ts";

/** What an entity lets clients do, in the words of the administration interface. */
export type EntityStatus = "Active" | "Disabled" | "SendDisabled" | "ReceiveDisabled";

/** Every {@link EntityStatus}. */
export const statuses: readonly EntityStatus[] = ["Active", "Disabled", "SendDisabled", "ReceiveDisabled"];

/** What queues, topics and subscriptions have in common. */
interface EntityOptions {
  /** Time to live for messages that give none or a longer one, in milliseconds. Default: for ever. */
  readonly defaultTimeToLiveMs?: number;
  /** Whether the entity starts disabled: short for `status: "Disabled"`. Default false. */
  readonly disabled?: boolean;
  /** What clients may do with the entity. Default `Active`. */
  readonly status?: EntityStatus;
  /** Kept and shown by the administration interface; nothing is deleted by it. In milliseconds. Default: never. */
  readonly autoDeleteOnIdleMs?: number;
  /** Free text that the administration interface keeps. Default none. */
  readonly userMetadata?: string;
}

/** What entities that clients send to have in common. */
interface InletOptions extends EntityOptions {
  /** How long a message id is remembered, in milliseconds. Default 0: no duplicate detection. */
  readonly duplicateDetectionWindowMs?: number;
  /** Largest transfer, in bytes; announced on the link. Default 262 144, the Standard tier's. */
  readonly maxMessageSizeBytes?: number;
  /**
   * Largest batch, in bytes; announced on the link. Default 1 048 576 or `maxMessageSizeBytes`, whichever is less: on
   * the Premium tier a single message may be larger than a batch.
   */
  readonly maxBatchSizeBytes?: number;
  /** Bytes that may be held: a queue with its dead letters, a topic with its subscriptions. Default 1 GiB. */
  readonly maxSizeBytes?: number;
}

/** What entities that clients receive from have in common. */
interface OutletOptions extends EntityOptions {
  /** How long a received message or an accepted session stays locked, in milliseconds. Default 60 000. */
  readonly lockDurationMs?: number;
  /** Unsuccessful deliveries before a message is dead-lettered. Default 10. */
  readonly maxDeliveryCount?: number;
  /** Whether a message that outlives its time to live goes to the dead-letter queue. Default false. */
  readonly deadLetterOnExpiration?: boolean;
  /** Whether messages carry a session and are received session by session only. Default false. */
  readonly requiresSession?: boolean;
  /** The queue or topic that every message is handed on to. Default: none. */
  readonly forwardTo?: string;
  /** The queue or topic that dead letters are handed on to. Default: none, they stay in the dead-letter queue. */
  readonly forwardDeadLetteredMessagesTo?: string;
}

/** A queue and its settings. */
export interface QueueOptions extends InletOptions, OutletOptions {
  readonly name: string;
}

/** A topic and its settings. */
export interface TopicOptions extends InletOptions {
  readonly name: string;
  /** Its subscriptions, by name or with settings. Default: none. */
  readonly subscriptions?: readonly (string | SubscriptionOptions)[];
}

/** A subscription of a topic and its settings. */
export interface SubscriptionOptions extends OutletOptions {
  readonly name: string;
  /** Which messages it takes. Default: one rule, `$Default`, that takes all. */
  readonly rules?: readonly RuleOptions[];
  /** Whether a message on which a filter fails goes to the dead-letter queue. Default true, as in the service. */
  readonly deadLetterOnFilterError?: boolean;
}

/** The conditions of a correlation filter: all that are given must equal the message's. */
export interface CorrelationConditions {
  readonly correlationId?: string;
  readonly messageId?: string;
  readonly to?: string;
  readonly replyTo?: string;
  readonly subject?: string;
  readonly sessionId?: string;
  readonly replyToSessionId?: string;
  readonly contentType?: string;
  readonly applicationProperties?: Readonly<Record<string, string | number | boolean | Date>>;
}

/** A rule: a filter in SQL or a correlation filter, and an action in SQL on the copy of the message. */
export interface RuleOptions {
  readonly name: string;
  /** A filter in the service's SQL, or correlation conditions. Default `1=1`. */
  readonly filter?: string | CorrelationConditions;
  /** What the names with `@` in the filter's SQL stand for, by name, `@` included. Default: none. */
  readonly parameters?: Readonly<Record<string, string | number | boolean | Date>>;
  /** `SET …` and `REMOVE …` statements. Default: none. */
  readonly action?: string;
  /** The same for the action. Default: none. */
  readonly actionParameters?: Readonly<Record<string, string | number | boolean | Date>>;
}

type Filled<Options> = {
  -readonly [Name in keyof Required<Omit<Options, "disabled">>]: Required<Options>[Name];
};

/** {@link QueueOptions} with every default filled in; the administration changes them while the simulator runs. */
export type QueueSettings = Filled<QueueOptions>;

/** {@link TopicOptions} with every default filled in. */
export type TopicSettings = Filled<Omit<TopicOptions, "subscriptions">>;

/** {@link SubscriptionOptions} with every default filled in. */
export type SubscriptionSettings = Filled<Omit<SubscriptionOptions, "rules">>;

function entitySettings(options: EntityOptions, at: (option: string) => string) {
  const number = (option: "defaultTimeToLiveMs" | "autoDeleteOnIdleMs"): number =>
    numberOption(at(option), options[option] ?? Infinity, 1, Infinity, false);
  return {
    defaultTimeToLiveMs: number("defaultTimeToLiveMs"),
    autoDeleteOnIdleMs: number("autoDeleteOnIdleMs"),
    status: choiceOption(
      at("status"),
      options.status ?? (options.disabled === true ? "Disabled" : "Active"),
      statuses,
    ),
    userMetadata: options.userMetadata ?? "",
  };
}

function inletSettings(options: InletOptions, at: (option: string) => string) {
  const maxMessageSizeBytes = numberOption(
    at("maxMessageSizeBytes"),
    options.maxMessageSizeBytes ?? 262_144,
    1_024,
    104_857_600,
  );
  return {
    duplicateDetectionWindowMs: numberOption(
      at("duplicateDetectionWindowMs"),
      options.duplicateDetectionWindowMs ?? 0,
      0,
      Infinity,
      false,
    ),
    maxMessageSizeBytes,
    maxBatchSizeBytes: numberOption(
      at("maxBatchSizeBytes"),
      options.maxBatchSizeBytes ?? Math.min(1_048_576, maxMessageSizeBytes),
      1_024,
      maxMessageSizeBytes,
    ),
    maxSizeBytes: numberOption(at("maxSizeBytes"), options.maxSizeBytes ?? 1_073_741_824, 1),
  };
}

function outletSettings(options: OutletOptions, at: (option: string) => string) {
  const path = (option: "forwardTo" | "forwardDeadLetteredMessagesTo"): string => {
    const value = options[option] ?? "";
    return value === "" ? "" : pathOption(at(option), value);
  };
  return {
    lockDurationMs: numberOption(at("lockDurationMs"), options.lockDurationMs ?? 60_000, 1, 300_000, false),
    maxDeliveryCount: numberOption(at("maxDeliveryCount"), options.maxDeliveryCount ?? 10, 1, 2_000),
    deadLetterOnExpiration: options.deadLetterOnExpiration ?? false,
    requiresSession: options.requiresSession ?? false,
    forwardTo: path("forwardTo"),
    forwardDeadLetteredMessagesTo: path("forwardDeadLetteredMessagesTo"),
  };
}

/** Checks a queue's options and fills in the defaults. */
export function queueSettings(given: string | QueueOptions): QueueSettings {
  const options: QueueOptions = typeof given === "string" ? { name: given } : given;
  const name = pathOption("queues[].name", options.name);
  const at = (option: string): string => `queue "${name}": ${option}`;
  return {
    name,
    ...entitySettings(options, at),
    ...inletSettings(options, at),
    ...outletSettings(options, at),
  };
}

/** Checks a topic's own options and fills in the defaults. */
export function topicSettings(given: string | TopicOptions): TopicSettings {
  const options: TopicOptions = typeof given === "string" ? { name: given } : given;
  const name = pathOption("topics[].name", options.name);
  const at = (option: string): string => `topic "${name}": ${option}`;
  return { name, ...entitySettings(options, at), ...inletSettings(options, at) };
}

/** Checks a subscription's options and fills in the defaults. */
export function subscriptionSettings(
  topic: string,
  given: string | SubscriptionOptions,
): SubscriptionSettings {
  const options: SubscriptionOptions = typeof given === "string" ? { name: given } : given;
  const name = pathOption(`topic "${topic}": subscriptions[].name`, options.name);
  const at = (option: string): string => `subscription "${topic}/${name}": ${option}`;
  return {
    name,
    deadLetterOnFilterError: options.deadLetterOnFilterError ?? true,
    ...entitySettings(options, at),
    ...outletSettings(options, at),
  };
}
