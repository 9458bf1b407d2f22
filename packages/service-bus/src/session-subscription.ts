import type { MessageHandlers, ServiceBusReceivedMessage, SubscribeOptions } from "@azure/service-bus";
import { onAbort } from "@holdfast/core";
import { withinTime } from "./connection-pool.ts";
import { HandlerWork } from "./handler-work.ts";
import type { SessionHold } from "./session-hold.ts";

// The official drain gives up after 200 ms.
const stopTimeoutMs = 500;

/** `subscribe` of one session: once, as with the official client, which refuses the second. */
export class SessionSubscription {
  readonly #hold: SessionHold;
  #work: HandlerWork | undefined;
  #official: { close(): Promise<void> } | undefined;
  #stopListening: (() => void) | undefined;

  constructor(hold: SessionHold) {
    this.#hold = hold;
    hold.lock.signal.addEventListener("abort", () => {
      if (this.isActive) this.#work?.report(hold.lock.lost, "receive");
      this.#official = undefined;
    });
  }

  get isActive(): boolean {
    return this.#official !== undefined;
  }

  start(handlers: MessageHandlers, options: SubscribeOptions): { close(): Promise<void> } {
    const { maxConcurrentCalls = 1, autoCompleteMessages = true, abortSignal } = options;
    const calls = maxConcurrentCalls > 0 ? maxConcurrentCalls : 1;
    const work = new HandlerWork(this.#hold, handlers, calls, autoCompleteMessages);
    this.#work = work;
    const official = this.#hold.receiver.subscribe(
      {
        processMessage: (message) => this.#take(message, work),
        processError: ({ error }) => {
          // Its handlers are ours and do not throw: whatever it reports, the link is gone or going.
          if (this.#hold.receiver.isClosed || error.name !== "AbortError") this.#hold.lose(error);
          return Promise.resolve();
        },
      },
      { autoCompleteMessages: false, maxConcurrentCalls: calls },
    );
    this.#official = official;
    this.#stopListening = onAbort(abortSignal, () => void this.stop());
    return { close: () => this.stop() };
  }

  /** No more messages; handlers that run go on. */
  async stop(): Promise<void> {
    const official = this.#official;
    if (official === undefined) return;
    this.#official = undefined;
    this.#stopListening?.();
    await withinTime(official.close(), stopTimeoutMs, this.#hold.resilience.clock);
  }

  /** Stops, and lets handlers finish for up to `ms` milliseconds. */
  async drain(ms: number): Promise<void> {
    await this.stop();
    await withinTime(this.#work?.done() ?? Promise.resolve(), ms, this.#hold.resilience.clock);
  }

  #take(message: ServiceBusReceivedMessage, work: HandlerWork): Promise<void> {
    this.#hold.take(message);
    return work.handle(message);
  }
}
