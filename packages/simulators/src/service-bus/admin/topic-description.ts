import type { TopicOptions } from "../entity-options.ts";
import type { Topic } from "../topic.ts";
import { timeText } from "./atom.ts";
import { countDetails, DescriptionFields, given } from "./description-fields.ts";
import { durationText } from "./duration.ts";
import type { Lifetime } from "./lifetimes.ts";
import type { Elements } from "./xml.ts";

const MEGABYTE = 1_048_576;

/** A topic as the service describes it, in the service's order. */
export function describeTopic(topic: Topic, lifetime: Lifetime): Elements {
  const { settings } = topic;
  return {
    DefaultMessageTimeToLive: durationText(settings.defaultTimeToLiveMs),
    MaxSizeInMegabytes: String(Math.ceil(settings.maxSizeBytes / MEGABYTE)),
    RequiresDuplicateDetection: String(settings.duplicateDetectionWindowMs > 0),
    DuplicateDetectionHistoryTimeWindow: durationText(settings.duplicateDetectionWindowMs || 600_000),
    EnableBatchedOperations: "true",
    SizeInBytes: String(topic.sizeBytes),
    FilteringMessagesBeforePublishing: "false",
    IsAnonymousAccessible: "false",
    AuthorizationRules: "",
    Status: settings.status,
    UserMetadata: settings.userMetadata || undefined,
    CreatedAt: timeText(lifetime.createdAt),
    UpdatedAt: timeText(lifetime.updatedAt),
    AccessedAt: "0001-01-01T00:00:00Z",
    SupportOrdering: "true",
    CountDetails: countDetails({
      active: 0,
      deadLetters: 0,
      scheduled: topic.scheduled,
      transferDeadLetters: 0,
    }),
    SubscriptionCount: String(topic.subscriptions().length),
    AutoDeleteOnIdle: durationText(settings.autoDeleteOnIdleMs),
    EnablePartitioning: "false",
    EntityAvailabilityStatus: "Available",
    EnableSubscriptionPartitioning: "false",
    EnableExpress: "false",
    MaxMessageSizeInKilobytes: String(Math.ceil(settings.maxMessageSizeBytes / 1_024)),
  };
}

/** What a client describes, as options. @throws AdminError 400 */
export function topicOptionsOf(name: string, description: Elements): TopicOptions {
  const fields = new DescriptionFields(description);
  const megabytes = fields.integer("MaxSizeInMegabytes");
  const kilobytes = fields.integer("MaxMessageSizeInKilobytes");
  const historyMs = fields.duration("DuplicateDetectionHistoryTimeWindow") ?? 600_000;
  return given({
    name,
    maxSizeBytes: megabytes && megabytes * MEGABYTE,
    duplicateDetectionWindowMs: fields.boolean("RequiresDuplicateDetection") === true ? historyMs : 0,
    defaultTimeToLiveMs: fields.duration("DefaultMessageTimeToLive"),
    status: fields.status(),
    userMetadata: fields.text("UserMetadata"),
    autoDeleteOnIdleMs: fields.duration("AutoDeleteOnIdle"),
    maxMessageSizeBytes: kilobytes && kilobytes * 1_024,
  });
}
