import type { Broker } from "../broker.ts";
import { addressOf, type Address } from "./addresses.ts";
import { adminErrors } from "./admin-error.ts";
import { entryDocument, feedDocument, timeText, type Description } from "./atom.ts";
import { EntityAdmin } from "./entity-admin.ts";
import { describeQueue } from "./queue-description.ts";
import { describeRule } from "./rule-description.ts";
import { describeSubscription } from "./subscription-description.ts";
import { describeTopic } from "./topic-description.ts";
import type { MessageQueue } from "../queue.ts";
import type { Rule } from "../rules/rule.ts";
import type { Subscription } from "../subscription.ts";
import type { Topic } from "../topic.ts";
import { childOf, elementsOf, type Elements } from "./xml.ts";

/** A request for administration, once its sender is known to be allowed it. */
export interface AdminRequest {
  readonly method: string;
  readonly url: URL;
  /** `If-Match: *`: what is put must exist. */
  readonly isUpdate: boolean;
  readonly body: string;
}

/** What is answered when all is well. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
}

// What the service gives at once at most.
const PAGE = 100;

/** Answers requests for administration: the ATOM interface of Service Bus. */
export class AdminRequests {
  readonly #broker: Broker;
  readonly #admin: EntityAdmin;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#admin = new EntityAdmin(broker);
  }

  /** @throws AdminError */
  answer(request: AdminRequest): AdminAnswer {
    const address = addressOf(decodeURIComponent(request.url.pathname));
    switch (request.method) {
      case "GET":
        return { status: 200, body: this.#get(address, request.url) };
      case "PUT": {
        const description = this.#put(address, request);
        return {
          status: request.isUpdate ? 200 : 201,
          body: entryDocument(description, this.#author(request.url)),
        };
      }
      case "DELETE":
        this.#delete(address);
        return { status: 200, body: "" };
      default:
        throw adminErrors.notAllowed(request.method);
    }
  }

  #get(address: Address, url: URL): string {
    const entry = (description: Description): string => entryDocument(description, this.#author(url));
    const { entities } = this.#broker;
    switch (address.kind) {
      case "root":
        return this.#nothing(url);
      case "namespace":
        return entry(this.#describeNamespace(url));
      case "queues":
        return this.#list(url, "Queues", entities.queues(), (queue) => this.#describeQueue(url, queue));
      case "topics":
        return this.#list(url, "Topics", entities.topics(), (topic) => this.#describeTopic(url, topic));
      case "entity": {
        const queue = this.#admin.queue(address.name);
        if (queue !== undefined) return entry(this.#describeQueue(url, queue));
        const topic = this.#broker.node(address.name)?.topic;
        // The service answers a question after an entity that is not there with an empty list, not with 404.
        return topic === undefined ? this.#nothing(url) : entry(this.#describeTopic(url, topic));
      }
      case "subscriptions":
        return this.#list(
          url,
          "Subscriptions",
          this.#admin.topic(address.topic).subscriptions(),
          (subscription) => this.#describeSubscription(url, subscription),
        );
      case "subscription":
        return entry(this.#describeSubscription(url, this.#admin.subscription(address.topic, address.name)));
      case "rules": {
        const subscription = this.#admin.subscription(address.topic, address.subscription);
        return this.#list(url, "Rules", subscription.rules.list(), (rule) =>
          this.#describeRule(url, subscription, rule),
        );
      }
      case "rule": {
        const { topic, subscription, name } = address;
        const rule = this.#admin.rule(topic, subscription, name);
        return entry(this.#describeRule(url, this.#admin.subscription(topic, subscription), rule));
      }
    }
  }

  #put(address: Address, { url, body, isUpdate }: AdminRequest): Description {
    const content = childOf(childOf(elementsOf(body), "entry"), "content");
    const described = (type: string): Elements | undefined => {
      const element = content?.[type];
      // An element without children is parsed to its text.
      return typeof element === "string" ? {} : childOf(content, type);
    };
    const required = (type: string): Elements => {
      const description = described(type);
      if (description === undefined) throw adminErrors.badRequest(`The body carries no ${type}.`);
      return description;
    };
    switch (address.kind) {
      case "entity": {
        const topic = described("TopicDescription");
        return topic === undefined
          ? this.#describeQueue(
              url,
              this.#admin.putQueue(address.name, required("QueueDescription"), isUpdate),
            )
          : this.#describeTopic(url, this.#admin.putTopic(address.name, topic, isUpdate));
      }
      case "subscription": {
        const description = required("SubscriptionDescription");
        const { topic, name } = address;
        return this.#describeSubscription(
          url,
          this.#admin.putSubscription(topic, name, description, isUpdate),
        );
      }
      case "rule": {
        const { topic, subscription, name } = address;
        const rule = this.#admin.putRule(topic, subscription, name, required("RuleDescription"), isUpdate);
        return this.#describeRule(url, this.#admin.subscription(topic, subscription), rule);
      }
      default:
        throw adminErrors.notAllowed("PUT");
    }
  }

  #delete(address: Address): void {
    switch (address.kind) {
      case "entity":
        this.#admin.deleteEntity(address.name);
        break;
      case "subscription":
        this.#admin.deleteSubscription(address.topic, address.name);
        break;
      case "rule":
        this.#admin.deleteRule(address.topic, address.subscription, address.name);
        break;
      default:
        throw adminErrors.notAllowed("DELETE");
    }
  }

  #describeQueue(url: URL, queue: MessageQueue): Description {
    const lifetime = this.#admin.lifetimes.of(queue);
    const content = describeQueue(queue, lifetime, (path) => this.#broker.resource(path));
    return this.#description(url, queue.path, queue.path, "QueueDescription", content, lifetime);
  }

  #describeTopic(url: URL, topic: Topic): Description {
    const lifetime = this.#admin.lifetimes.of(topic);
    const content = describeTopic(topic, lifetime);
    return this.#description(url, topic.path, topic.path, "TopicDescription", content, lifetime);
  }

  #describeSubscription(url: URL, subscription: Subscription): Description {
    const lifetime = this.#admin.lifetimes.of(subscription);
    const content = describeSubscription(subscription, lifetime, (path) => this.#broker.resource(path));
    const { queue, name } = subscription;
    return this.#description(url, queue.path, name, "SubscriptionDescription", content, lifetime);
  }

  #describeRule(url: URL, { queue }: Subscription, rule: Rule): Description {
    const lifetime = { createdAt: rule.createdAt, updatedAt: rule.createdAt };
    const path = `${queue.path}/Rules/${rule.name}`;
    return this.#description(url, path, rule.name, "RuleDescription", describeRule(rule), lifetime);
  }

  #describeNamespace(url: URL): Description {
    const lifetime = this.#admin.lifetimes.of(this);
    const { sku, messagingUnits } = this.#broker.settings.namespace;
    const content = {
      CreatedTime: timeText(lifetime.createdAt),
      MessagingSKU: sku,
      MessagingUnits: sku === "Premium" ? String(messagingUnits) : undefined,
      ModifiedTime: timeText(lifetime.updatedAt),
      Name: this.#author(url),
      NamespaceType: "Messaging",
    };
    return this.#description(url, "$namespaceinfo", this.#author(url), "NamespaceInfo", content, lifetime);
  }

  #description(
    url: URL,
    path: string,
    title: string,
    type: string,
    content: Elements,
    { createdAt, updatedAt }: { createdAt: number; updatedAt: number },
  ): Description {
    const where = `${url.origin}/${path}${url.search}`;
    return { url: where, title, type, content, publishedAt: createdAt, updatedAt };
  }

  #list<Item>(
    url: URL,
    title: string,
    items: readonly Item[],
    describe: (item: Item) => Description,
  ): string {
    const number = (name: string, otherwise: number): number => {
      const text = url.searchParams.get(name) ?? String(otherwise);
      if (!/^\d+$/.test(text)) throw adminErrors.badRequest(`The value '${text}' of ${name} is invalid.`);
      return Number(text);
    };
    const skip = number("$skip", 0);
    const top = Math.min(number("$top", PAGE), PAGE);
    const page = items.slice(skip, skip + top);
    const at = (from: number): string => {
      const link = new URL(url);
      link.searchParams.set("$skip", String(from));
      link.searchParams.set("$top", String(top));
      return link.href;
    };
    const hasMore = items.length > skip + top;
    return feedDocument(
      title,
      { self: url.href, ...(hasMore ? { next: at(skip + top) } : {}) },
      this.#broker.clock.wallNow(),
      page.map(describe),
      this.#author(url),
    );
  }

  /** What the service says at its root, and of entities that are not there. */
  #nothing(url: URL): string {
    return feedDocument("Publicly Listed Services", { self: url.href }, this.#broker.clock.wallNow(), [], "");
  }

  /** The namespace's name. */
  #author(url: URL): string {
    return url.hostname.split(".")[0] ?? url.hostname;
  }
}
