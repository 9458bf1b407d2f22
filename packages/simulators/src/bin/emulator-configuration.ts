import type {
  QueueOptions,
  RuleOptions,
  ServiceBusOptions,
  SubscriptionOptions,
  TopicOptions,
} from "../service-bus/index.ts";
import { durationMs } from "../service-bus/admin/duration.ts";

/** Settings of an entity, under the names of the administration interface. */
interface EmulatorProperties {
  readonly DeadLetteringOnMessageExpiration?: boolean;
  readonly DefaultMessageTimeToLive?: string;
  readonly DuplicateDetectionHistoryTimeWindow?: string;
  readonly ForwardDeadLetteredMessagesTo?: string;
  readonly ForwardTo?: string;
  readonly LockDuration?: string;
  readonly MaxDeliveryCount?: number;
  readonly RequiresDuplicateDetection?: boolean;
  readonly RequiresSession?: boolean;
}

interface EmulatorRule {
  readonly Name: string;
  readonly Properties?: {
    readonly CorrelationFilter?: Readonly<Record<string, unknown>>;
    readonly SqlFilter?: { readonly SqlExpression?: string };
    readonly Action?: { readonly SqlExpression?: string };
  };
}

interface EmulatorEntity {
  readonly Name: string;
  readonly Properties?: EmulatorProperties;
}

interface EmulatorTopic extends EmulatorEntity {
  readonly Subscriptions?: readonly (EmulatorEntity & { readonly Rules?: readonly EmulatorRule[] })[];
}

/** `Config.json` of Microsoft's Service Bus emulator. */
export interface EmulatorConfiguration {
  readonly UserConfig: {
    readonly Namespaces?: readonly {
      readonly Queues?: readonly EmulatorEntity[];
      readonly Topics?: readonly EmulatorTopic[];
    }[];
  };
}

/** Whether a configuration file is the emulator's. */
export function isEmulatorConfiguration(content: object): content is EmulatorConfiguration {
  return "UserConfig" in content && typeof content.UserConfig === "object" && content.UserConfig !== null;
}

function milliseconds(setting: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const ms = durationMs(text);
  if (ms === undefined) throw new TypeError(`${setting} must be an ISO 8601 duration, got "${text}"`);
  return ms;
}

function given<Options extends object>(options: {
  [Name in keyof Options]: Options[Name] | undefined;
}): Options {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== ""),
  ) as Options;
}

function inlet({ Name, Properties = {} }: EmulatorEntity) {
  const window = milliseconds(
    "DuplicateDetectionHistoryTimeWindow",
    Properties.DuplicateDetectionHistoryTimeWindow,
  );
  return {
    name: Name,
    defaultTimeToLiveMs: milliseconds("DefaultMessageTimeToLive", Properties.DefaultMessageTimeToLive),
    duplicateDetectionWindowMs:
      Properties.RequiresDuplicateDetection === true ? (window ?? 600_000) : undefined,
  };
}

function outlet({ Name, Properties = {} }: EmulatorEntity) {
  return {
    name: Name,
    defaultTimeToLiveMs: milliseconds("DefaultMessageTimeToLive", Properties.DefaultMessageTimeToLive),
    lockDurationMs: milliseconds("LockDuration", Properties.LockDuration),
    deadLetterOnExpiration: Properties.DeadLetteringOnMessageExpiration,
    maxDeliveryCount: Properties.MaxDeliveryCount,
    requiresSession: Properties.RequiresSession,
    forwardTo: Properties.ForwardTo,
    forwardDeadLetteredMessagesTo: Properties.ForwardDeadLetteredMessagesTo,
  };
}

function rule({ Name, Properties = {} }: EmulatorRule): RuleOptions {
  const { CorrelationFilter, SqlFilter, Action } = Properties;
  const correlation =
    CorrelationFilter &&
    Object.fromEntries(
      Object.entries(CorrelationFilter).map(([name, value]) => {
        if (name === "Properties") return ["applicationProperties", value];
        if (name === "Label") return ["subject", value];
        return [`${name.charAt(0).toLowerCase()}${name.slice(1)}`, value];
      }),
    );
  return given<RuleOptions>({
    name: Name,
    filter: correlation ?? SqlFilter?.SqlExpression,
    action: Action?.SqlExpression,
  });
}

function topic(described: EmulatorTopic): TopicOptions {
  const subscriptions = (described.Subscriptions ?? []).map((subscription) =>
    given<SubscriptionOptions>({
      ...outlet(subscription),
      rules:
        subscription.Rules === undefined || subscription.Rules.length === 0
          ? undefined
          : subscription.Rules.map(rule),
    }),
  );
  return given<TopicOptions>({ ...inlet(described), subscriptions });
}

/**
 * What the emulator's configuration file asks for, as options. Its namespaces become one, and the key is the word that
 * the emulator's connection string has in its place.
 * @throws TypeError when a duration cannot be read
 */
export function emulatorOptions({ UserConfig }: EmulatorConfiguration): ServiceBusOptions {
  const namespaces = UserConfig.Namespaces ?? [];
  return {
    queues: namespaces.flatMap(({ Queues = [] }) =>
      Queues.map((queue) => given<QueueOptions>({ ...outlet(queue), ...inlet(queue) })),
    ),
    topics: namespaces.flatMap(({ Topics = [] }) => Topics.map(topic)),
    keys: [{ name: "RootManageSharedAccessKey", key: "SAS_KEY_VALUE", claims: ["Send", "Listen", "Manage"] }],
  };
}
