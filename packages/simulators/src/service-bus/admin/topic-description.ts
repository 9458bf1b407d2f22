import type { TopicOptions } from "../entity-options.ts";
import type { Topic } from "../topic.ts";
import { accessedText, timeText } from "./atom.ts";
import { countDetails, DescriptionFields, given } from "./description-fields.ts";
import { durationText } from "./duration.ts";
import type { EntityNotes } from "./entity-notes.ts";
import { duplicateHistory, keptFlag } from "./kept-properties.ts";
import type { Elements } from "./xml.ts";

const MEGABYTE = 1_048_576;

/** A topic as the service describes it, in the service's order. */
export function describeTopic(
  topic: Topic,
  { lifetime, accessedAt, kept, isNew, knowsLargeMessages }: EntityNotes,
): Elements {
  const { settings } = topic;
  return {
    DefaultMessageTimeToLive: durationText(settings.defaultTimeToLiveMs),
    MaxSizeInMegabytes: String(Math.ceil(settings.maxSizeBytes / MEGABYTE)),
    RequiresDuplicateDetection: String(settings.duplicateDetectionWindowMs > 0),
    DuplicateDetectionHistoryTimeWindow: duplicateHistory(kept, settings.duplicateDetectionWindowMs),
    EnableBatchedOperations: keptFlag(kept, "EnableBatchedOperations", true),
    SizeInBytes: String(topic.sizeBytes),
    FilteringMessagesBeforePublishing: keptFlag(kept, "FilteringMessagesBeforePublishing", false),
    IsAnonymousAccessible: keptFlag(kept, "IsAnonymousAccessible", false),
    AuthorizationRules: kept["AuthorizationRules"] ?? "",
    Status: settings.status,
    UserMetadata: settings.userMetadata || undefined,
    CreatedAt: timeText(lifetime.createdAt),
    UpdatedAt: timeText(lifetime.updatedAt),
    AccessedAt: isNew ? undefined : accessedText(accessedAt),
    SupportOrdering: keptFlag(kept, "SupportOrdering", true),
    CountDetails: isNew
      ? undefined
      : countDetails({ active: 0, deadLetters: 0, scheduled: topic.scheduled, transferDeadLetters: 0 }),
    SubscriptionCount: isNew ? undefined : String(topic.subscriptions().length),
    AutoDeleteOnIdle: durationText(settings.autoDeleteOnIdleMs),
    EnablePartitioning: keptFlag(kept, "EnablePartitioning", false),
    EntityAvailabilityStatus: "Available",
    EnableSubscriptionPartitioning: keptFlag(kept, "EnableSubscriptionPartitioning", false),
    EnableExpress: keptFlag(kept, "EnableExpress", false),
    MaxMessageSizeInKilobytes: knowsLargeMessages
      ? String(Math.ceil(settings.maxMessageSizeBytes / 1_024))
      : undefined,
  };
}

/** What a client describes, as options. @throws AdminError 400 */
export function topicOptionsOf(name: string, description: Elements, isUpdate: boolean): TopicOptions {
  const fields = new DescriptionFields(description);
  const megabytes = fields.megabytes(!isUpdate);
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
