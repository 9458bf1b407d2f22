import type { Destination, EntityContext } from "./entity.ts";
import {
  topicSettings,
  type QueueSettings,
  type SubscriptionOptions,
  type TopicOptions,
} from "./entity-options.ts";
import { MessageQueue } from "./queue.ts";
import { entityPath } from "./sas-token.ts";
import { Subscription } from "./subscription.ts";
import { Topic } from "./topic.ts";

/** Where an address leads. */
export interface Node {
  /** The entity's name as it was configured. */
  readonly path: string;
  /** What clients send to; undefined for what they only receive from. */
  readonly destination: Destination | undefined;
  /** What clients receive from; undefined for a topic. */
  readonly queue: MessageQueue | undefined;
  readonly topic?: Topic;
  readonly subscription?: Subscription;
}

const MANAGEMENT = "/$management";

/**
 * Whether a path is an entity's or below it: its dead letters, its subscriptions. A queue `a/b` is not below a queue `a`.
 */
export function isWithin(path: string, entity: string): boolean {
  const [inner, outer] = [entityPath(path), entityPath(entity)];
  return inner === outer || inner.startsWith(`${outer}/$`) || inner.startsWith(`${outer}/subscriptions/`);
}

/** The entities of a namespace by path; case-insensitive. */
export class Entities {
  readonly #context: EntityContext;
  readonly #nodes = new Map<string, Node>();

  constructor(context: EntityContext) {
    this.#context = context;
  }

  createQueue(settings: QueueSettings): MessageQueue {
    const queue = new MessageQueue(settings.name, "queue", settings, this.#context);
    this.#addQueue({ path: queue.path, destination: queue, queue });
    return queue;
  }

  /** Adds a topic with the subscriptions of its options. @throws InvalidRule */
  createTopic(options: TopicOptions): Topic {
    const topic = new Topic(topicSettings(options), this.#context);
    this.#add({ path: topic.path, destination: topic, queue: undefined, topic });
    for (const subscription of options.subscriptions ?? []) this.createSubscription(topic, subscription);
    return topic;
  }

  /** @throws InvalidRule */
  createSubscription(topic: Topic, options: string | SubscriptionOptions): Subscription {
    const subscription = new Subscription(topic, options, this.#context);
    const { queue } = subscription;
    topic.add(subscription);
    this.#addQueue({ path: queue.path, destination: undefined, queue, subscription });
    return subscription;
  }

  /** Takes an entity out, with everything below it. */
  delete(path: string): void {
    for (const [key, { topic, subscription, queue }] of [...this.#nodes]) {
      if (!isWithin(key, path)) continue;
      this.#nodes.delete(key);
      topic?.end();
      queue?.end();
      subscription?.topic.remove(subscription.name);
    }
  }

  /** Where an address leads, or undefined; an entity's `$management` leads to the entity. */
  node(address: string): Node | undefined {
    const path = entityPath(address);
    return this.#nodes.get(path.endsWith(MANAGEMENT) ? path.slice(0, -MANAGEMENT.length) : path);
  }

  /** Every queue that clients send to, by name. */
  queues(): MessageQueue[] {
    return this.#sorted((node) => (node.destination === node.queue ? node.queue : undefined));
  }

  /** Every topic, by name. */
  topics(): Topic[] {
    return this.#sorted((node) => node.topic);
  }

  #sorted<Entity>(pick: (node: Node) => Entity | undefined): Entity[] {
    return [...this.#nodes.keys()].sort().flatMap((key) => {
      const node = this.#nodes.get(key);
      const entity = node && pick(node);
      return entity === undefined ? [] : [entity];
    });
  }

  #addQueue(node: Node & { readonly queue: MessageQueue }): void {
    this.#add(node);
    for (const below of [node.queue.deadLetters, node.queue.transferDeadLetters]) {
      if (below !== undefined) this.#add({ path: below.path, destination: undefined, queue: below });
    }
  }

  #add(node: Node): void {
    this.#nodes.set(node.path.toLowerCase(), node);
  }
}
