import type { Broker } from "./broker.ts";
import type { EntityStatus } from "./entity-options.ts";
import type { Topic } from "./topic.ts";

/** A topic as a test sees it from outside. Its subscriptions' messages are seen through `bus.subscription(…)`. */
export class TopicControl {
  readonly #broker: Broker;
  readonly #topic: Topic;

  /** @internal */
  constructor(broker: Broker, topic: Topic) {
    this.#broker = broker;
    this.#topic = topic;
  }

  get path(): string {
    return this.#topic.path;
  }

  /** Messages that are not due yet. */
  get scheduledMessages(): number {
    return this.#topic.scheduled;
  }

  /** Bytes held by its subscriptions. */
  get sizeBytes(): number {
    return this.#topic.sizeBytes;
  }

  /** Names of its subscriptions. */
  get subscriptions(): string[] {
    return this.#topic.subscriptions().map(({ name }) => name);
  }

  get status(): EntityStatus {
    return this.#topic.settings.status;
  }

  /** Lets clients send or not. The links of those who may not any more are detached. */
  setStatus(status: EntityStatus): void {
    this.#broker.setStatus(this.#topic.path, status);
  }

  /** Deletes the topic with its subscriptions: links are detached and new ones refused with `amqp:not-found`. */
  delete(): void {
    this.#broker.deleteEntity(this.#topic.path);
  }
}
