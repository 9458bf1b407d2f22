import type { QueueOptions } from "../entity-options.ts";
import type { MessageQueue } from "../queue.ts";
import { timeText } from "./atom.ts";
import { countDetails, DescriptionFields, given, type MessageCounts } from "./description-fields.ts";
import { durationText } from "./duration.ts";
import type { Lifetime } from "./lifetimes.ts";
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
  lifetime: Lifetime,
  resource: (path: string) => string,
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
    DuplicateDetectionHistoryTimeWindow: durationText(settings.duplicateDetectionWindowMs || 600_000),
    MaxDeliveryCount: String(settings.maxDeliveryCount),
    EnableBatchedOperations: "true",
    SizeInBytes: String(queue.sizeBytes),
    MessageCount: String(messageCount(queue)),
    IsAnonymousAccessible: "false",
    AuthorizationRules: "",
    Status: settings.status,
    ForwardTo: forwarded(settings.forwardTo),
    UserMetadata: settings.userMetadata || undefined,
    CreatedAt: timeText(lifetime.createdAt),
    UpdatedAt: timeText(lifetime.updatedAt),
    AccessedAt: "0001-01-01T00:00:00Z",
    SupportOrdering: "true",
    CountDetails: countDetails(countsOf(queue)),
    AutoDeleteOnIdle: durationText(settings.autoDeleteOnIdleMs),
    EnablePartitioning: "false",
    EntityAvailabilityStatus: "Available",
    EnableExpress: "false",
    ForwardDeadLetteredMessagesTo: forwarded(settings.forwardDeadLetteredMessagesTo),
    MaxMessageSizeInKilobytes: String(Math.ceil(settings.maxMessageSizeBytes / 1_024)),
  };
}

/** What a client describes, as options. @throws AdminError 400 */
export function queueOptionsOf(name: string, description: Elements): QueueOptions {
  const fields = new DescriptionFields(description);
  const megabytes = fields.integer("MaxSizeInMegabytes");
  const kilobytes = fields.integer("MaxMessageSizeInKilobytes");
  const historyMs = fields.duration("DuplicateDetectionHistoryTimeWindow") ?? 600_000;
  return given({
    name,
    lockDurationMs: fields.duration("LockDuration"),
    maxSizeBytes: megabytes && megabytes * MEGABYTE,
    duplicateDetectionWindowMs: fields.boolean("RequiresDuplicateDetection") === true ? historyMs : 0,
    requiresSession: fields.boolean("RequiresSession"),
    defaultTimeToLiveMs: fields.duration("DefaultMessageTimeToLive"),
    deadLetterOnExpiration: fields.boolean("DeadLetteringOnMessageExpiration"),
    maxDeliveryCount: fields.integer("MaxDeliveryCount"),
    status: fields.status(),
    forwardTo: fields.entity("ForwardTo"),
    userMetadata: fields.text("UserMetadata"),
    autoDeleteOnIdleMs: fields.duration("AutoDeleteOnIdle"),
    forwardDeadLetteredMessagesTo: fields.entity("ForwardDeadLetteredMessagesTo"),
    maxMessageSizeBytes: kilobytes && kilobytes * 1_024,
  });
}
