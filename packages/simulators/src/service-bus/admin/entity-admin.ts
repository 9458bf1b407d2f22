import type { Broker } from "../broker.ts";
import { queueSettings, subscriptionSettings, topicSettings } from "../entity-options.ts";
import type { MessageQueue } from "../queue.ts";
import { readRule, type Rule } from "../rules/rule.ts";
import { InvalidRule } from "../rules/tokens.ts";
import type { Subscription } from "../subscription.ts";
import type { Topic } from "../topic.ts";
import { adminErrors } from "./admin-error.ts";
import { Lifetimes } from "./lifetimes.ts";
import { queueOptionsOf } from "./queue-description.ts";
import { ruleOptionsOf } from "./rule-description.ts";
import { subscriptionOptionsOf } from "./subscription-description.ts";
import { topicOptionsOf } from "./topic-description.ts";
import type { Elements } from "./xml.ts";

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

/** Creates, changes and deletes what a client describes. Every method throws AdminError. */
export class EntityAdmin {
  readonly lifetimes: Lifetimes;
  readonly #broker: Broker;

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
    if (topic === undefined) throw this.notFound(name);
    return topic;
  }

  subscription(topic: string, name: string): Subscription {
    const path = `${topic}/Subscriptions/${name}`;
    const subscription = this.#broker.node(path)?.subscription;
    if (subscription === undefined) throw this.notFound(path);
    return subscription;
  }

  rule(topic: string, subscription: string, name: string): Rule {
    const rule = this.subscription(topic, subscription).rules.get(name);
    if (rule === undefined) throw this.notFound(`${topic}/Subscriptions/${subscription}/Rules/${name}`);
    return rule;
  }

  /** @param isUpdate - whether it must exist; otherwise it must not */
  putQueue(name: string, description: Elements, isUpdate: boolean): MessageQueue {
    const settings = checked(() => queueSettings(queueOptionsOf(name, description)));
    if (!isUpdate) {
      this.#mustNotExist(name);
      return this.#created(this.#broker.entities.createQueue(settings));
    }
    const queue = this.queue(name);
    if (queue === undefined) throw this.notFound(name);
    this.#mustStay("RequiresSession", queue.settings.requiresSession, settings.requiresSession);
    this.#mustStay(
      "RequiresDuplicateDetection",
      queue.settings.duplicateDetectionWindowMs > 0,
      settings.duplicateDetectionWindowMs > 0,
    );
    const { status } = settings;
    Object.assign(queue.settings, { ...settings, name: queue.path, status: queue.settings.status });
    return this.#updated(queue, queue.path, status);
  }

  putTopic(name: string, description: Elements, isUpdate: boolean): Topic {
    const options = topicOptionsOf(name, description);
    const settings = checked(() => topicSettings(options));
    if (!isUpdate) {
      this.#mustNotExist(name);
      return this.#created(this.#broker.entities.createTopic(options));
    }
    const topic = this.topic(name);
    this.#mustStay(
      "RequiresDuplicateDetection",
      topic.settings.duplicateDetectionWindowMs > 0,
      settings.duplicateDetectionWindowMs > 0,
    );
    const { status } = settings;
    Object.assign(topic.settings, { ...settings, name: topic.path, status: topic.settings.status });
    return this.#updated(topic, topic.path, status);
  }

  putSubscription(topicName: string, name: string, description: Elements, isUpdate: boolean): Subscription {
    const topic = this.topic(topicName);
    const options = subscriptionOptionsOf(name, description);
    const { deadLetterOnFilterError, ...settings } = checked(() => subscriptionSettings(topic.path, options));
    if (!isUpdate) {
      this.#mustNotExist(`${topicName}/Subscriptions/${name}`);
      return this.#created(checked(() => this.#broker.entities.createSubscription(topic, options)));
    }
    const subscription = this.subscription(topicName, name);
    const { queue } = subscription;
    this.#mustStay("RequiresSession", queue.settings.requiresSession, settings.requiresSession);
    subscription.deadLetterOnFilterError = deadLetterOnFilterError;
    const { status } = settings;
    Object.assign(queue.settings, { ...settings, name: subscription.name, status: queue.settings.status });
    this.#updated(queue, queue.path, status);
    return this.#updated(subscription, queue.path, status);
  }

  putRule(topic: string, subscription: string, name: string, description: Elements, isUpdate: boolean): Rule {
    const { rules } = this.subscription(topic, subscription);
    const rule = checked(() => readRule(ruleOptionsOf(name, description), this.#broker.clock.wallNow()));
    if (isUpdate) {
      this.rule(topic, subscription, name);
      rules.replace(rule);
    } else if (!rules.add(rule)) {
      throw adminErrors.exists(this.#broker.resource(`${topic}/Subscriptions/${subscription}/Rules/${name}`));
    }
    return rule;
  }

  /** Deletes a queue or a topic. */
  deleteEntity(name: string): void {
    if (this.#broker.node(name)?.destination === undefined) throw this.notFound(name);
    this.#broker.deleteEntity(name);
  }

  deleteSubscription(topic: string, name: string): void {
    this.#broker.deleteEntity(this.subscription(topic, name).queue.path);
  }

  deleteRule(topic: string, subscription: string, name: string): void {
    this.rule(topic, subscription, name);
    this.subscription(topic, subscription).rules.remove(name);
  }

  notFound(path: string): Error {
    return adminErrors.notFound(this.#broker.resource(path));
  }

  #mustNotExist(path: string): void {
    if (this.#broker.node(path) !== undefined) throw adminErrors.exists(this.#broker.resource(path));
  }

  #mustStay(property: string, was: boolean, wanted: boolean): void {
    if (was === wanted) return;
    throw adminErrors.badRequest(
      `The value for the ${property} property of an existing entity cannot be changed.`,
    );
  }

  #created<Entity extends object>(entity: Entity): Entity {
    this.lifetimes.created(entity, this.#broker.clock.wallNow());
    return entity;
  }

  #updated<Entity extends object>(
    entity: Entity,
    path: string,
    status: MessageQueue["settings"]["status"],
  ): Entity {
    this.lifetimes.updated(entity, this.#broker.clock.wallNow());
    this.#broker.setStatus(path, status);
    this.#broker.queue(path)?.forwardAll();
    return entity;
  }
}
