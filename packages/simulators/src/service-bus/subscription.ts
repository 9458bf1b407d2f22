import type { EntityContext } from "./entity.ts";
import { subscriptionSettings, type SubscriptionOptions } from "./entity-options.ts";
import { MessageQueue } from "./queue.ts";
import { RuleSet } from "./rules/rule-set.ts";
import { readRule } from "./rules/rule.ts";
import type { Topic } from "./topic.ts";

/** The name of the rule that a subscription has when it is created without rules. */
export const DEFAULT_RULE = "$Default";

/** A subscription of a topic: the rules that say what it takes, and the queue of what it took. */
export class Subscription {
  readonly name: string;
  readonly topic: Topic;
  readonly queue: MessageQueue;
  readonly rules = new RuleSet();
  deadLetterOnFilterError: boolean;

  /** @throws InvalidRule */
  constructor(topic: Topic, options: string | SubscriptionOptions, context: EntityContext) {
    const { deadLetterOnFilterError, ...settings } = subscriptionSettings(topic.path, options);
    const { maxMessageSizeBytes, maxBatchSizeBytes, maxSizeBytes } = topic.settings;
    this.name = settings.name;
    this.topic = topic;
    this.deadLetterOnFilterError = deadLetterOnFilterError;
    this.queue = new MessageQueue(
      `${topic.path}/Subscriptions/${settings.name}`,
      "subscription",
      { ...settings, duplicateDetectionWindowMs: 0, maxMessageSizeBytes, maxBatchSizeBytes, maxSizeBytes },
      context,
      topic.account,
    );
    const rules = (typeof options === "string" ? undefined : options.rules) ?? [{ name: DEFAULT_RULE }];
    for (const rule of rules) this.rules.add(readRule(rule, context.clock.wallNow()));
  }
}
