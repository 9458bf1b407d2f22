import { badOption, HoldfastError, type Clock } from "@holdfast/core";
import type { Message } from "./official.ts";

/** What the application does with a message from the cloud. Returning means done; throwing or rejecting, not done. */
export type MessageHandler = (message: Message) => unknown;

/** How messages are handled. */
export interface MessageHandlingOptions {
  /** Messages being handled at once. Default 1; 1 to 50 (what the hub holds for a device). */
  readonly concurrency?: number;
  /**
   * After so long without an end the message is given back, counted from its arrival, in milliseconds. Default 55 000, because
   * the hub's lock lasts a minute; above 0.
   */
  readonly settleWithinMs?: number;
  /** Failures of one message, by its id, after which it is rejected and not given back again. Default 5; 1 or more. */
  readonly maxFailures?: number;
}

/** What settling needs of the client. */
export interface Settling {
  complete(message: Message): Promise<unknown>;
  abandon(message: Message): Promise<unknown>;
  reject(message: Message): Promise<unknown>;
  failed(error: unknown): void;
}

/** How many failing messages are remembered; the hub holds 50. */
const remembered = 1_000;

/**
 * Handles messages from the cloud a few at a time, and settles each: completed when the handler is done, given back when it
 * fails or takes too long, rejected when it keeps failing.
 *
 * Over MQTT the protocol acknowledged the message on arrival: a process that dies in its handler has lost it, and there is
 * nothing to give back to. The handler's failure is told as an event there, and that is all. AMQP and HTTPS settle.
 */
export class CloudMessages {
  readonly #handler: MessageHandler;
  readonly #settling: Settling;
  readonly #clock: Clock;
  readonly #concurrency: number;
  readonly #settleWithinMs: number;
  readonly #maxFailures: number;
  readonly #waiting: { readonly message: Message; readonly until: number }[] = [];
  readonly #failures = new Map<string, number>();
  #running = 0;

  /** @throws HoldfastError `misconfigured`, naming option, value and allowed range. */
  constructor(handler: MessageHandler, options: MessageHandlingOptions, settling: Settling, clock: Clock) {
    const { concurrency = 1, settleWithinMs = 55_000, maxFailures = 5 } = options;
    if (typeof handler !== "function") throw badOption("handler", handler, "a function");
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 50) {
      throw badOption("concurrency", concurrency, "a whole number from 1 to 50");
    }
    if (!(typeof settleWithinMs === "number" && settleWithinMs > 0)) {
      throw badOption("settleWithinMs", settleWithinMs, "a number of milliseconds above 0");
    }
    if (!Number.isInteger(maxFailures) || maxFailures < 1) {
      throw badOption("maxFailures", maxFailures, "a whole number, 1 or more");
    }
    this.#handler = handler;
    this.#settling = settling;
    this.#clock = clock;
    this.#concurrency = concurrency;
    this.#settleWithinMs = settleWithinMs;
    this.#maxFailures = maxFailures;
  }

  /** A message has come. */
  take(message: Message): void {
    this.#waiting.push({ message, until: this.#clock.now() + this.#settleWithinMs });
    this.#work();
  }

  #work(): void {
    while (this.#running < this.#concurrency) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running += 1;
      void this.#handle(next.message, next.until).finally(() => {
        this.#running -= 1;
        this.#work();
      });
    }
  }

  async #handle(message: Message, until: number): Promise<void> {
    try {
      await this.#bounded(message, until - this.#clock.now());
      this.#failures.delete(message.messageId);
      await this.#settling.complete(message);
    } catch (error) {
      this.#settling.failed(error);
      await this.#giveBack(message).catch((unsettled: unknown) => {
        this.#settling.failed(unsettled);
      });
    }
  }

  #bounded(message: Message, leftMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = (): void => {
        reject(
          new HoldfastError("attempt-timeout", "The message's handler did not end before its lock would."),
        );
      };
      // Its lock may have gone while it waited for its turn.
      if (leftMs <= 0) {
        late();
        return;
      }
      const stop = this.#clock.after(leftMs, late);
      const work = async (): Promise<void> => {
        await this.#handler(message);
      };
      work().then(resolve, reject).finally(stop);
    });
  }

  #giveBack(message: Message): Promise<unknown> {
    const { messageId } = message;
    const failures = (this.#failures.get(messageId) ?? 0) + 1;
    // Without an id nobody can tell it from others.
    if (messageId && failures >= this.#maxFailures) {
      this.#failures.delete(messageId);
      return this.#settling.reject(message);
    }
    if (messageId) this.#failures.set(messageId, failures);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > remembered && oldest !== undefined) this.#failures.delete(oldest);
    return this.#settling.abandon(message);
  }
}
