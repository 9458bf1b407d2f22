import type { QueueOptions } from "../entity-options.ts";
import type { MessageQueue } from "../queue.ts";
import { accessedText, timeText } from "./atom.ts";
import { countDetails, DescriptionFields, given, type MessageCounts } from "./description-fields.ts";
import { durationText } from "./duration.ts";
import type { EntityNotes } from "./entity-notes.ts";
import { duplicateHistory, keptFlag } from "./kept-properties.ts";
import type { Elements } from "./xml.ts";

const MEGABYTE = 1_048_576;

/** The counts of a queue or of a subscription. */
export function countsOf(queue: MessageQueue): MessageCounts {
  const { active, scheduled } = queue.counts;
  return {
    active,
    scheduled,
    deadLetters: queue.deadLetters?.counts.active ?? 0,
    transferDeadLetters: queue.transferDeadLetters?.counts.active ?? 0,
  };
}

/** All messages of a queue, in whatever state. */
export function messageCount(queue: MessageQueue): number {
  const { active, scheduled, deadLetters, transferDeadLetters } = countsOf(queue);
  return active + scheduled + deadLetters + transferDeadLetters + queue.counts.deferred;
}

/** A queue as the service describes it, in the service's order. */
export function describeQueue(
  queue: MessageQueue,
  { lifetime, accessedAt, kept, resource, isNew, knowsLargeMessages }: EntityNotes,
): Elements {
  const { settings } = queue;
  const forwarded = (path: string): string | undefined => (path === "" ? undefined : resource(path));
  return {
    LockDuration: durationText(settings.lockDurationMs),
    MaxSizeInMegabytes: String(Math.ceil(settings.maxSizeBytes / MEGABYTE)),
    RequiresDuplicateDetection: String(settings.duplicateDetectionWindowMs > 0),
    RequiresSession: String(settings.requiresSession),
    DefaultMessageTimeToLive: durationText(settings.defaultTimeToLiveMs),
    DeadLetteringOnMessageExpiration: String(settings.deadLetterOnExpiration),
    DuplicateDetectionHistoryTimeWindow: duplicateHistory(kept, settings.duplicateDetectionWindowMs),
    MaxDeliveryCount: String(settings.maxDeliveryCount),
    EnableBatchedOperations: keptFlag(kept, "EnableBatchedOperations", true),
    SizeInBytes: String(queue.sizeBytes),
    MessageCount: String(messageCount(queue)),
    IsAnonymousAccessible: keptFlag(kept, "IsAnonymousAccessible", false),
    AuthorizationRules: kept["AuthorizationRules"] ?? "",
    Status: settings.status,
    ForwardTo: forwarded(settings.forwardTo),
    UserMetadata: settings.userMetadata || undefined,
    CreatedAt: timeText(lifetime.createdAt),
    UpdatedAt: timeText(lifetime.updatedAt),
    AccessedAt: isNew ? undefined : accessedText(accessedAt),
    SupportOrdering: keptFlag(kept, "SupportOrdering", true),
    CountDetails: isNew ? undefined : countDetails(countsOf(queue)),
    AutoDeleteOnIdle: durationText(settings.autoDeleteOnIdleMs),
    EnablePartitioning: keptFlag(kept, "EnablePartitioning", false),
    EntityAvailabilityStatus: "Available",
    EnableExpress: keptFlag(kept, "EnableExpress", false),
    ForwardDeadLetteredMessagesTo: forwarded(settings.forwardDeadLetteredMessagesTo),
    MaxMessageSizeInKilobytes: knowsLargeMessages
      ? String(Math.ceil(settings.maxMessageSizeBytes / 1_024))
      : undefined,
  };
}

/** What a client describes, as options. @throws AdminError 400 */
export function queueOptionsOf(name: string, description: Elements, isUpdate: boolean): QueueOptions {
  const fields = new DescriptionFields(description);
  const megabytes = fields.megabytes(!isUpdate);
  const kilobytes = fields.integer("MaxMessageSizeInKilobytes");
  const historyMs = fields.duration("DuplicateDetectionHistoryTimeWindow") ?? 600_000;
  return given({
    name,
    lockDurationMs: fields.lockDuration(),
    maxSizeBytes: megabytes && megabytes * MEGABYTE,
    duplicateDetectionWindowMs: fields.boolean("RequiresDuplicateDetection") === true ? historyMs : 0,
    requiresSession: fields.boolean("RequiresSession"),
    defaultTimeToLiveMs: fields.duration("DefaultMessageTimeToLive"),
    deadLetterOnExpiration: fields.boolean("DeadLetteringOnMessageExpiration"),
    maxDeliveryCount: fields.maxDeliveryCount(),
    status: fields.status(),
    forwardTo: fields.entity("ForwardTo"),
    userMetadata: fields.text("UserMetadata"),
    autoDeleteOnIdleMs: fields.duration("AutoDeleteOnIdle"),
    forwardDeadLetteredMessagesTo: fields.entity("ForwardDeadLetteredMessagesTo"),
    maxMessageSizeBytes: kilobytes && kilobytes * 1_024,
  });
}
