import type { Broker } from "../broker.ts";
import { queueSettings, subscriptionSettings, topicSettings, type QueueSettings } from "../entity-options.ts";
import type { MessageQueue } from "../queue.ts";
import { readRule, type Rule } from "../rules/rule.ts";
import { InvalidRule } from "../rules/tokens.ts";
import type { Subscription } from "../subscription.ts";
import type { Topic } from "../topic.ts";
import { adminErrors } from "./admin-error.ts";
import { checkNew, checkPartitioning, checkShortName } from "./documented-limits.ts";
import { Lifetimes } from "./lifetimes.ts";
import { queueOptionsOf } from "./queue-description.ts";
import { keptProperties, type KeptProperties } from "./kept-properties.ts";
import { ruleOptionsOf } from "./rule-description.ts";
import { keepNotation } from "./rule-notation.ts";
import { subscriptionOptionsOf } from "./subscription-description.ts";
import { topicOptionsOf } from "./topic-description.ts";
import { childOf, type Elements } from "./xml.ts";

/** Makes the complaints of our own checks the service's. */
function checked<Result>(action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError || error instanceof InvalidRule) {
      throw adminErrors.badRequest(error.message.replace(/^serviceBus: /, ""));
    }
    throw error;
  }
}

/** @throws AdminError 400 */
function checkName(name: string): void {
  for (const segment of name.split("/")) {
    if (/^[\w.-]+$/.test(segment)) continue;
    throw adminErrors.badRequest(
      `'${segment}' contains character(s) that is not allowed by Service Bus. Entity segments can contain only letters, numbers, periods (.), hyphens (-), and underscores (_).`,
    );
  }
}

/** Creates, changes and deletes what a client describes. Every method throws AdminError. */
export class EntityAdmin {
  readonly lifetimes: Lifetimes;
  readonly #broker: Broker;
  readonly #kept = new WeakMap<object, KeptProperties>();

  constructor(broker: Broker) {
    this.#broker = broker;
    this.lifetimes = new Lifetimes(broker.clock.wallNow());
  }

  queue(name: string): MessageQueue | undefined {
    const node = this.#broker.node(name);
    return node?.destination === undefined || node.topic !== undefined ? undefined : node.queue;
  }

  topic(name: string): Topic {
    const topic = this.#broker.node(name)?.topic;
    if (topic === undefined) throw this.#notFound(name);
    return topic;
  }

  subscription(topic: string, name: string): Subscription {
    const subscription = this.#broker.node(`${topic}/Subscriptions/${name}`)?.subscription;
    if (subscription === undefined) throw this.#notFound(topic, name);
    return subscription;
  }

  rule(topic: string, subscription: string, name: string): Rule {
    const rule = this.subscription(topic, subscription).rules.get(name);
    if (rule === undefined) throw this.#notFound(topic, subscription, name);
    return rule;
  }

  /** @param isUpdate - whether it must exist; otherwise it must not */
  putQueue(name: string, description: Elements, isUpdate: boolean): MessageQueue {
    checkName(name);
    if (!isUpdate) this.#mustNotExist(name);
    const queue = this.queue(name);
    if (isUpdate && queue === undefined) throw adminErrors.operationNotFound();
    const settings = checked(() => queueSettings(queueOptionsOf(name, description, isUpdate)));
    this.#checkForwarding(settings, name);
    if (queue === undefined) {
      checkNew(description, this.#broker.settings.namespace.sku);
      return this.#created(this.#broker.entities.createQueue(settings), description);
    }
    checkPartitioning("Queue", description, this.kept(queue));
    this.#mustStay("Queue", "RequiresSession", queue.settings.requiresSession, settings.requiresSession);
    this.#mustStay(
      "Queue",
      "RequiresDuplicateDetection",
      queue.settings.duplicateDetectionWindowMs > 0,
      settings.duplicateDetectionWindowMs > 0,
    );
    const { status } = settings;
    Object.assign(queue.settings, { ...settings, name: queue.path, status: queue.settings.status });
    return this.#updated(queue, queue.path, status, description);
  }

  putTopic(name: string, description: Elements, isUpdate: boolean): Topic {
    checkName(name);
    if (!isUpdate) this.#mustNotExist(name);
    const topic = this.#broker.node(name)?.topic;
    if (isUpdate && topic === undefined) throw adminErrors.operationNotFound();
    const options = topicOptionsOf(name, description, isUpdate);
    const settings = checked(() => topicSettings(options));
    if (topic === undefined) {
      checkNew(description, this.#broker.settings.namespace.sku);
      return this.#created(this.#broker.entities.createTopic(options), description);
    }
    checkPartitioning("Topic", description, this.kept(topic));
    this.#mustStay(
      "Topic",
      "RequiresDuplicateDetection",
      topic.settings.duplicateDetectionWindowMs > 0,
      settings.duplicateDetectionWindowMs > 0,
    );
    const { status } = settings;
    Object.assign(topic.settings, { ...settings, name: topic.path, status: topic.settings.status });
    return this.#updated(topic, topic.path, status, description);
  }

  putSubscription(topicName: string, name: string, description: Elements, isUpdate: boolean): Subscription {
    checkName(name);
    checkShortName(name);
    const topic = this.topic(topicName);
    if (isUpdate) this.subscription(topicName, name);
    else this.#mustNotExist(topicName, name);
    const options = subscriptionOptionsOf(name, description);
    const { deadLetterOnFilterError, ...settings } = checked(() => subscriptionSettings(topic.path, options));
    this.#checkForwarding(settings, `${topicName}/Subscriptions/${name}`);
    if (!isUpdate) {
      const created = checked(() => this.#broker.entities.createSubscription(topic, options));
      const [rule] = created.rules.list();
      const firstRule = childOf(description, "DefaultRuleDescription");
      if (rule !== undefined && firstRule !== undefined) keepNotation(rule, firstRule);
      return this.#created(created, description);
    }
    const subscription = this.subscription(topicName, name);
    const { queue } = subscription;
    this.#mustStay(
      "Subscription",
      "RequiresSession",
      queue.settings.requiresSession,
      settings.requiresSession,
    );
    subscription.deadLetterOnFilterError = deadLetterOnFilterError;
    const { status } = settings;
    Object.assign(queue.settings, { ...settings, name: subscription.name, status: queue.settings.status });
    return this.#updated(subscription, queue.path, status, description);
  }

  putRule(topic: string, subscription: string, name: string, description: Elements, isUpdate: boolean): Rule {
    const { rules } = this.subscription(topic, subscription);
    checkShortName(name);
    if (isUpdate) this.rule(topic, subscription, name);
    const rule = checked(() => readRule(ruleOptionsOf(name, description), this.#broker.clock.wallNow()));
    keepNotation(rule, description);
    if (isUpdate) rules.replace(rule);
    else if (!rules.add(rule)) {
      throw adminErrors.entityExists(this.#broker.host, [topic, subscription, name].join("|"));
    }
    return rule;
  }

  /** Deletes a queue or a topic. */
  deleteEntity(name: string): void {
    if (this.#broker.node(name)?.destination === undefined) throw adminErrors.noService();
    this.#broker.deleteEntity(name);
  }

  deleteSubscription(topic: string, name: string): void {
    this.#broker.deleteEntity(this.subscription(topic, name).queue.path);
  }

  deleteRule(topic: string, subscription: string, name: string): void {
    this.rule(topic, subscription, name);
    this.subscription(topic, subscription).rules.remove(name);
  }

  /** What is only kept of an entity's description. */
  kept(entity: object): KeptProperties {
    return this.#kept.get(entity) ?? {};
  }

  /** What is below a topic is not there, or the topic is not. */
  #notFound(...path: string[]): Error {
    return adminErrors.entityNotFound(this.#broker.host, path.join("|"));
  }

  #mustNotExist(entity: string, subscription?: string): void {
    if (subscription === undefined) {
      if (this.#broker.node(entity) !== undefined) throw adminErrors.exists();
    } else if (this.#broker.node(`${entity}/Subscriptions/${subscription}`) !== undefined) {
      throw adminErrors.entityExists(this.#broker.host, `${entity}|${subscription}`);
    }
  }

  #mustStay(kind: string, property: string, was: boolean, wanted: boolean): void {
    if (was === wanted) return;
    throw adminErrors.badRequest(
      `The value for the ${property} property of an existing ${kind} cannot be changed.`,
    );
  }

  /** Messages are handed on only to a queue or topic that is there, and not to where they are. */
  #checkForwarding(
    settings: Pick<QueueSettings, "forwardTo" | "forwardDeadLetteredMessagesTo" | "requiresSession">,
    from: string,
  ): void {
    const { forwardTo, forwardDeadLetteredMessagesTo, requiresSession } = settings;
    // "Considerations" of the service's page on auto-forwarding.
    if (requiresSession && forwardTo !== "") {
      throw adminErrors.badRequest("Messages of an entity that requires sessions cannot be forwarded.");
    }
    for (const to of [forwardTo, forwardDeadLetteredMessagesTo]) {
      if (to === "") continue;
      if (to.toLowerCase() === from.toLowerCase()) {
        throw adminErrors.badRequest(`The entity '${from}' cannot forward messages to itself.`);
      }
      if (this.#broker.node(to)?.destination === undefined) {
        throw adminErrors.badRequest(`The forwarding destination entity '${to}' does not exist.`);
      }
    }
  }

  #created<Entity extends object>(entity: Entity, description: Elements): Entity {
    this.#kept.set(entity, keptProperties(description));
    this.lifetimes.created(entity, this.#broker.clock.wallNow());
    return entity;
  }

  #updated<Entity extends object>(
    entity: Entity,
    path: string,
    status: MessageQueue["settings"]["status"],
    description: Elements,
  ): Entity {
    this.#kept.set(entity, { ...this.kept(entity), ...keptProperties(description) });
    this.lifetimes.updated(entity, this.#broker.clock.wallNow());
    this.#broker.setStatus(path, status);
    this.#broker.queue(path)?.forwardAll();
    return entity;
  }
}
