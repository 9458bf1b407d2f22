import type { IncomingHttpHeaders } from "node:http";
import type { Broker } from "../broker.ts";
import { addressOf, type Address } from "./addresses.ts";
import { adminErrors } from "./admin-error.ts";
import { entryDocument, feedDocument, timeText, type Description } from "./atom.ts";
import { EntityAdmin } from "./entity-admin.ts";
import type { EntityNotes } from "./entity-notes.ts";
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
  /** `If-Match`, whatever it says: what is put must exist. */
  readonly isUpdate: boolean;
  readonly body: string;
  /** The body as it came, and the headers: in lower case, and as they were written. */
  readonly bytes: Buffer;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal;
}

/** What is answered when all is well. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** When what it is about was last changed, in milliseconds since the epoch. */
  readonly updatedAt?: number | undefined;
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
        return this.#get(address, request.url);
      case "PUT": {
        const description = this.#put(address, request);
        const body = entryDocument(description);
        if (!request.isUpdate) return { status: 201, body };
        return { status: 200, body, updatedAt: description.updatedAt };
      }
      case "DELETE":
        return { status: 200, body: "", updatedAt: this.#delete(address) };
      default:
        throw adminErrors.notAllowed(request.method);
    }
  }

  #get(address: Address, url: URL): AdminAnswer {
    const entry = (description: Description): AdminAnswer => ({
      status: 200,
      body: entryDocument(description),
      updatedAt: description.updatedAt,
    });
    const feed = (body: string): AdminAnswer => ({ status: 200, body });
    const { entities } = this.#broker;
    switch (address.kind) {
      case "root":
        return feed(this.#nothing(url));
      case "namespace":
        return entry(this.#describeNamespace(url));
      case "queues":
        return feed(this.#list(url, "Queues", entities.queues(), (queue) => this.#describeQueue(url, queue)));
      case "topics":
        return feed(this.#list(url, "Topics", entities.topics(), (topic) => this.#describeTopic(url, topic)));
      case "entity": {
        const queue = this.#admin.queue(address.name);
        if (queue !== undefined) return entry(this.#describeQueue(url, queue));
        const topic = this.#broker.node(address.name)?.topic;
        // The service answers a question after an entity that is not there with an empty list, not with 404.
        return topic === undefined ? feed(this.#nothing(url)) : entry(this.#describeTopic(url, topic));
      }
      case "subscriptions": {
        const all = this.#admin.topic(address.topic).subscriptions();
        return feed(
          this.#list(url, "Subscriptions", all, (subscription) =>
            this.#describeSubscription(url, subscription),
          ),
        );
      }
      case "subscription":
        return entry(this.#describeSubscription(url, this.#admin.subscription(address.topic, address.name)));
      case "rules": {
        const subscription = this.#admin.subscription(address.topic, address.subscription);
        return feed(
          this.#list(url, "Rules", subscription.rules.list(), (rule) =>
            this.#describeRule(url, subscription, rule),
          ),
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
    const isNew = !isUpdate;
    switch (address.kind) {
      case "entity": {
        const topic = described("TopicDescription");
        return topic === undefined
          ? this.#describeQueue(
              url,
              this.#admin.putQueue(address.name, required("QueueDescription"), isUpdate),
              isNew,
            )
          : this.#describeTopic(url, this.#admin.putTopic(address.name, topic, isUpdate), isNew);
      }
      case "subscription": {
        const description = required("SubscriptionDescription");
        const { topic, name } = address;
        return this.#describeSubscription(
          url,
          this.#admin.putSubscription(topic, name, description, isUpdate),
          isNew,
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

  /** When what is gone was last changed. */
  #delete(address: Address): number | undefined {
    const updatedAt = (entity: object | undefined): number | undefined =>
      entity && this.#admin.lifetimes.of(entity).updatedAt;
    switch (address.kind) {
      case "entity": {
        const { name } = address;
        const at = updatedAt(this.#admin.queue(name) ?? this.#broker.node(name)?.topic);
        this.#admin.deleteEntity(name);
        return at;
      }
      case "subscription": {
        const at = updatedAt(this.#admin.subscription(address.topic, address.name));
        this.#admin.deleteSubscription(address.topic, address.name);
        return at;
      }
      case "rule": {
        const { createdAt } = this.#admin.rule(address.topic, address.subscription, address.name);
        this.#admin.deleteRule(address.topic, address.subscription, address.name);
        return createdAt;
      }
      default:
        throw adminErrors.notAllowed("DELETE");
    }
  }

  #notes(url: URL, entity: object, path: string, isNew: boolean): EntityNotes {
    return {
      lifetime: this.#admin.lifetimes.of(entity),
      accessedAt: this.#broker.accesses.get(path),
      kept: this.#admin.kept(entity),
      resource: (other) => `sb://${url.host}/${other}`,
      isNew,
      knowsLargeMessages: (url.searchParams.get("api-version") ?? "") >= "2021-05",
    };
  }

  #describeQueue(url: URL, queue: MessageQueue, isNew = false): Description {
    const notes = this.#notes(url, queue, queue.path, isNew);
    const content = describeQueue(queue, notes);
    return this.#description(url, queue.path, queue.path, "QueueDescription", content, notes.lifetime);
  }

  #describeTopic(url: URL, topic: Topic, isNew = false): Description {
    const notes = this.#notes(url, topic, topic.path, isNew);
    const content = describeTopic(topic, notes);
    return this.#description(url, topic.path, topic.path, "TopicDescription", content, notes.lifetime);
  }

  #describeSubscription(url: URL, subscription: Subscription, isNew = false): Description {
    const { queue, name } = subscription;
    const notes = this.#notes(url, subscription, queue.path, isNew);
    const content = describeSubscription(subscription, notes);
    return this.#description(url, queue.path, name, "SubscriptionDescription", content, notes.lifetime);
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
    const name = this.#author(url);
    const description = this.#description(url, "$namespaceinfo", name, "NamespaceInfo", content, lifetime);
    return { ...description, publishedAt: undefined };
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
    // What is below a topic has no author.
    const author = /\/subscriptions\//i.test(path) ? undefined : this.#author(url);
    return { url: where, title, type, content, author, publishedAt: createdAt, updatedAt };
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
    const hasMore = top > 0 && items.length > skip + top;
    return feedDocument(
      title,
      { self: url.href, ...(hasMore ? { next: at(skip + top) } : {}) },
      this.#broker.clock.wallNow(),
      page.map(describe),
    );
  }

  /** What the service says at its root, and of entities that are not there. */
  #nothing(url: URL): string {
    return feedDocument("Publicly Listed Services", { self: url.href }, this.#broker.clock.wallNow(), []);
  }

  /** The namespace's name. */
  #author(url: URL): string {
    return url.hostname.split(".")[0] ?? url.hostname;
  }
}
