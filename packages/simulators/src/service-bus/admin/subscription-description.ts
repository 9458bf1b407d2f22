import type { SubscriptionOptions } from "../entity-options.ts";
import type { Subscription } from "../subscription.ts";
import { accessedText, timeText } from "./atom.ts";
import { countDetails, DescriptionFields, given } from "./description-fields.ts";
import { durationText } from "./duration.ts";
import type { EntityNotes } from "./entity-notes.ts";
import { keptFlag } from "./kept-properties.ts";
import { countsOf, messageCount } from "./queue-description.ts";
import { ruleOptionsOf } from "./rule-description.ts";
import { childOf, type Elements } from "./xml.ts";

/** A subscription as the service describes it, in the service's order. */
export function describeSubscription(
  { queue, deadLetterOnFilterError }: Subscription,
  { lifetime, accessedAt, kept, resource, isNew, knowsLargeMessages }: EntityNotes,
): Elements {
  const { settings } = queue;
  const forwarded = (path: string): string | undefined => (path === "" ? undefined : resource(path));
  return {
    LockDuration: durationText(settings.lockDurationMs),
    RequiresSession: String(settings.requiresSession),
    DefaultMessageTimeToLive: durationText(settings.defaultTimeToLiveMs),
    DeadLetteringOnMessageExpiration: String(settings.deadLetterOnExpiration),
    DeadLetteringOnFilterEvaluationExceptions: String(deadLetterOnFilterError),
    MessageCount: String(messageCount(queue)),
    MaxDeliveryCount: String(settings.maxDeliveryCount),
    EnableBatchedOperations: keptFlag(kept, "EnableBatchedOperations", true),
    Status: settings.status,
    ForwardTo: forwarded(settings.forwardTo),
    CreatedAt: timeText(lifetime.createdAt),
    UpdatedAt: timeText(lifetime.updatedAt),
    AccessedAt: accessedText(isNew ? undefined : (accessedAt ?? lifetime.createdAt)),
    UserMetadata: settings.userMetadata || undefined,
    CountDetails: isNew ? undefined : countDetails(countsOf(queue)),
    ForwardDeadLetteredMessagesTo: forwarded(settings.forwardDeadLetteredMessagesTo),
    AutoDeleteOnIdle: durationText(settings.autoDeleteOnIdleMs),
    EntityAvailabilityStatus: "Available",
    IsClientAffine: knowsLargeMessages ? "false" : undefined,
  };
}

/** What a client describes, as options. @throws AdminError 400 */
export function subscriptionOptionsOf(name: string, description: Elements): SubscriptionOptions {
  const fields = new DescriptionFields(description);
  const rule = childOf(description, "DefaultRuleDescription");
  return given({
    name,
    lockDurationMs: fields.lockDuration(),
    requiresSession: fields.boolean("RequiresSession"),
    defaultTimeToLiveMs: fields.duration("DefaultMessageTimeToLive"),
    deadLetterOnExpiration: fields.boolean("DeadLetteringOnMessageExpiration"),
    deadLetterOnFilterError: fields.boolean("DeadLetteringOnFilterEvaluationExceptions"),
    maxDeliveryCount: fields.maxDeliveryCount(),
    status: fields.status(),
    forwardTo: fields.entity("ForwardTo"),
    userMetadata: fields.text("UserMetadata"),
    autoDeleteOnIdleMs: fields.duration("AutoDeleteOnIdle"),
    forwardDeadLetteredMessagesTo: fields.entity("ForwardDeadLetteredMessagesTo"),
    rules: rule && [ruleOptionsOf(undefined, rule)],
  });
}
