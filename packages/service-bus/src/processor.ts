import type { ServiceBusReceivedMessage, ServiceBusReceiver, ServiceBusSender } from "@azure/service-bus";
import { HoldfastError, type Clock, type EventListener, type Random } from "@holdfast/core";
import { Caution } from "./caution.ts";
import { ConcurrencyLimit } from "./concurrency-limit.ts";
import { withinTime } from "./connection-pool.ts";
import { MessageWork, type Handler } from "./message-work.ts";
import { watchProcess } from "./process-watch.ts";
import { concurrencyOf, type ProcessorSettings } from "./processor-options.ts";

/** What a processor works with. */
export interface ProcessorParts {
  readonly receiver: ServiceBusReceiver & { letGo?(message: ServiceBusReceivedMessage): void };
  /** Makes the sender for copies, when the first is sent. */
  readonly sender: () => ServiceBusSender;
  readonly closeTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: EventListener | undefined;
  readonly onClosed: () => void;
}

/** `running`: messages come. `paused`: none come. `stopped` is the end. */
export type ProcessorState = "running" | "paused" | "stopping" | "stopped";

/**
 * Hands the messages of a queue or subscription to a handler, so many at once, and settles them: completed when the handler
 * returns, handled again when it fails, dead-lettered when that cannot help. It runs from the beginning.
 */
export class Processor implements AsyncDisposable {
  readonly #parts: ProcessorParts;
  readonly #settings: ProcessorSettings;
  readonly #work: MessageWork<object>;
  readonly #limit: ConcurrencyLimit;
  readonly #caution = new Caution(() => {
    this.#apply();
  });
  readonly #stopped = new AbortController();
  readonly #handling = new Set<Promise<void>>();
  readonly #stopListening: () => void;
  #concurrency: number;
  #subscription: { close(): Promise<void> } | undefined;
  /** Subscriptions follow one another. */
  #switching: Promise<void> = Promise.resolve();
  #sender: ServiceBusSender | undefined;
  #state: ProcessorState = "running";
  #stopping: Promise<void> | undefined;

  constructor(handler: Handler, settings: ProcessorSettings, parts: ProcessorParts) {
    const { receiver, clock, random, onEvent } = parts;
    this.#parts = parts;
    this.#settings = settings;
    this.#concurrency = settings.concurrency;
    this.#limit = new ConcurrencyLimit(settings.concurrency);
    this.#work = new MessageWork<object>(handler, settings, {
      entityPath: receiver.entityPath,
      settler: receiver,
      letGo: (message) => receiver.letGo?.(message),
      send: (copy) => this.#send(copy),
      extra: {},
      stopped: this.#stopped.signal,
      holdsAside: true,
      ...{ clock, random, onEvent },
    });
    this.#stopListening = watchProcess(settings, parts, receiver.entityPath, () => void this.stop());
    this.#subscribe();
  }

  get state(): ProcessorState {
    return this.#state;
  }

  /** Messages in a handler's hands now. */
  get inHand(): number {
    return this.#limit.working;
  }

  /** Messages in hand at once; a change takes effect while it runs: more at once, fewer as handlers end. */
  get concurrency(): number {
    return this.#concurrency;
  }

  /** @throws HoldfastError `misconfigured`. */
  set concurrency(value: number) {
    this.#concurrency = concurrencyOf(value);
    this.#apply();
    if (this.#state === "running") this.#subscribe();
  }

  /** No more messages; those in hand go on. Resolves when the service has been told. */
  async pause(): Promise<void> {
    this.#mayChange();
    this.#state = "paused";
    await this.#unsubscribe();
  }

  /** Messages come again. */
  resume(): void {
    this.#mayChange();
    if (this.#state === "running") return;
    this.#state = "running";
    this.#subscribe();
  }

  /** Pauses, and resolves when every message in hand, and every one that is held for later, has been settled. */
  async drain(): Promise<void> {
    await this.pause();
    while (this.#handling.size > 0) await Promise.all(this.#handling);
    await this.#work.allGivenBack();
  }

  /**
   * Takes no more messages, lets handlers finish for up to `closeTimeoutMs`, then aborts their signals and closes the links.
   * What is held for later is given back. A second call waits for the first.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    const { receiver, closeTimeoutMs, clock, onClosed } = this.#parts;
    this.#state = "stopping";
    this.#stopListening();
    await this.#unsubscribe();
    await withinTime(Promise.all(this.#handling), closeTimeoutMs, clock);
    this.#stopped.abort(new HoldfastError("closed", "The processor was stopped."));
    await withinTime(this.#work.allGivenBack(), closeTimeoutMs, clock);
    await Promise.all([receiver.close(), this.#sender?.close()]);
    this.#state = "stopped";
    onClosed();
  }

  #mayChange(): void {
    if (this.#state === "stopping" || this.#state === "stopped") {
      throw new HoldfastError("closed", "The processor was stopped and takes no more messages.");
    }
  }

  #subscribe(): void {
    void this.#unsubscribe();
    this.#switching = this.#switching.then(() => {
      if (this.#state !== "running" || this.#subscription !== undefined) return;
      this.#subscription = this.#parts.receiver.subscribe(
        {
          processMessage: (message) => this.#take(message),
          processError: ({ error }) => {
            this.#settings.onError(error);
            this.#caution.raise();
            return Promise.resolve();
          },
        },
        { autoCompleteMessages: false, maxConcurrentCalls: this.#concurrency },
      );
    });
  }

  #unsubscribe(): Promise<void> {
    this.#switching = this.#switching.then(async () => {
      const subscription = this.#subscription;
      this.#subscription = undefined;
      await subscription?.close();
    });
    return this.#switching;
  }

  #take(message: ServiceBusReceivedMessage): Promise<void> {
    const handling = this.#process(message).finally(() => this.#handling.delete(handling));
    this.#handling.add(handling);
    return handling;
  }

  async #process(message: ServiceBusReceivedMessage): Promise<void> {
    await this.#limit.enter();
    const { troubles } = this.#caution;
    try {
      if (await this.#work.process(message)) this.#caution.wentWell(troubles);
    } finally {
      this.#limit.leave();
    }
  }

  #apply(): void {
    this.#limit.limit = this.#caution.isRaised ? 1 : this.#concurrency;
  }

  async #send(copy: Parameters<ServiceBusSender["sendMessages"]>[0]): Promise<void> {
    this.#sender ??= this.#parts.sender();
    await this.#sender.sendMessages(copy);
  }
}
