/** Where a queue to services delivers to. */
export interface ServiceConsumer<Item> {
  readonly isReady: boolean;
  deliver(item: Item): void;
}

/** What services receive from the hub: feedback, or notifications of file uploads. Kept until someone completes it. */
export class ServiceQueue<Item> {
  #waiting: Item[] = [];
  readonly #consumers: ServiceConsumer<Item>[] = [];

  /** Items that nobody has taken. */
  get waiting(): readonly Item[] {
    return this.#waiting;
  }

  push(item: Item): void {
    this.#waiting.push(item);
    this.pump();
  }

  /** Back to the front: abandoned, or its receiver is gone. */
  giveBack(item: Item): void {
    this.#waiting = [item, ...this.#waiting];
    this.pump();
  }

  attach(consumer: ServiceConsumer<Item>): void {
    this.#consumers.push(consumer);
    this.pump();
  }

  detach(consumer: ServiceConsumer<Item>): void {
    const index = this.#consumers.indexOf(consumer);
    if (index >= 0) this.#consumers.splice(index, 1);
  }

  pump(): void {
    for (;;) {
      const consumer = this.#consumers.find(({ isReady }) => isReady);
      const item = consumer === undefined ? undefined : this.#waiting.shift();
      if (consumer === undefined || item === undefined) return;
      consumer.deliver(item);
    }
  }
}
