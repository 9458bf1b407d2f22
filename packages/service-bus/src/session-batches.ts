import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { run, type Attempt } from "@holdfast/core";
import type { ReceiveMessagesOptions } from "./batch-calls.ts";
import { BatchPolicy } from "./batch-policy.ts";
import { timeoutError } from "./official-errors.ts";
import { sessionLockLostError } from "./receiver-errors.ts";
import type { SessionHold } from "./session-hold.ts";
import { settlings } from "./settling.ts";

// The official call cannot be aborted without leaving what is on its way locked: an abort waits for the end of a slice, out of
// the caller's sight.
const sliceMs = 1_000;

/** `receiveMessages` of one session. */
export class SessionBatches {
  readonly #hold: SessionHold;
  /** The official call under way, which may outlive ours. */
  #slice: Promise<unknown> = Promise.resolve();
  readonly #policy = new BatchPolicy();
  #isReceiving = false;

  constructor(hold: SessionHold) {
    this.#hold = hold;
  }

  get isReceiving(): boolean {
    return this.#isReceiving;
  }

  async receive(
    maxMessageCount: number,
    options: ReceiveMessagesOptions,
  ): Promise<ServiceBusReceivedMessage[]> {
    this.#isReceiving = true;
    try {
      return await this.#run(maxMessageCount, options);
    } finally {
      this.#isReceiving = false;
    }
  }

  async close(): Promise<void> {
    await this.#slice;
  }

  #run(maxMessageCount: number, options: ReceiveMessagesOptions): Promise<ServiceBusReceivedMessage[]> {
    const { resilience, entityPath, lifetime } = this.#hold;
    const { classify, clock, random, onEvent } = resilience;
    const { policy, waitMs } = this.#policy.for(
      resilience.policy("serviceBus.receive"),
      options.maxWaitTimeInMs,
    );
    const waitUntil = clock.now() + waitMs;
    const fill = options.fill === true;
    return run((attempt) => this.#receive(maxMessageCount, waitUntil, fill, attempt), {
      ...{ operation: "serviceBus.receive", target: entityPath, classify, clock, random, onEvent },
      policy,
      signal: lifetime.with(options.abortSignal),
      timeoutError: (ms) => timeoutError(entityPath, ms),
    });
  }

  async #receive(
    count: number,
    waitUntil: number,
    fill: boolean,
    attempt: Attempt,
  ): Promise<ServiceBusReceivedMessage[]> {
    const { clock } = this.#hold.resilience;
    const received: ServiceBusReceivedMessage[] = [];
    const isEnough = (): boolean => (fill ? received.length >= count : received.length > 0);
    // What an aborted call before this one left under way.
    await this.#slice;
    do {
      const leftMs = Math.max(1, waitUntil - clock.now());
      const more = await this.#next(count - received.length, Math.min(sliceMs, leftMs));
      received.push(...more);
    } while (!attempt.ended && clock.now() < waitUntil && !isEnough());
    if (attempt.ended && this.#hold.receiver.receiveMode === "peekLock") await this.#giveBack(received);
    return received;
  }

  async #next(count: number, waitMs: number): Promise<ServiceBusReceivedMessage[]> {
    const { lock, receiver } = this.#hold;
    if (lock.lost !== undefined) throw lock.lost;
    const slice = receiver.receiveMessages(count, { maxWaitTimeInMs: waitMs });
    this.#slice = slice.catch(() => undefined);
    const messages = await slice;
    for (const message of messages) this.#hold.take(message);
    if (messages.length === 0 && receiver.isClosed) {
      const lost = sessionLockLostError(receiver.sessionId);
      this.#hold.lose(lost);
      throw lost;
    }
    return messages;
  }

  /** The caller is gone: left locked, they would keep the session's order waiting for them. */
  async #giveBack(messages: readonly ServiceBusReceivedMessage[]): Promise<void> {
    const abandon = settlings.abandon();
    await Promise.allSettled(
      messages.map((message) => this.#hold.settle(this.#hold.lease(message), abandon)),
    );
  }
}
