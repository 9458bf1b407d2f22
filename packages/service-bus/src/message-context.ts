import type { DeadLetterOptions, ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import { settleResult, type SettleResult } from "./settle-result.ts";
import type { PropertiesToModify } from "./settling.ts";

/** The part of a receiver that settles. */
export type Settler = Pick<
  ServiceBusReceiver,
  "completeMessage" | "abandonMessage" | "deferMessage" | "deadLetterMessage"
>;

/** What a processor tells its handler beside the message. */
export interface MessageContext {
  /** Aborts when the lock is lost, the handler's time is up, or the processor does not wait any longer. */
  readonly signal: AbortSignal;
  /** Which call of the handler for this delivery, from 1. */
  readonly attempt: number;
  /** Which delivery of the message, from 1; those of its copies included. */
  readonly delivery: number;
  /** Each settles now, in place of the processor's completing what the handler returns from; never rejects. */
  complete(): Promise<SettleResult>;
  abandon(propertiesToModify?: PropertiesToModify): Promise<SettleResult>;
  defer(propertiesToModify?: PropertiesToModify): Promise<SettleResult>;
  deadLetter(options?: DeadLetterOptions & PropertiesToModify): Promise<SettleResult>;
}

/** One message in a handler's hands, and whether the handler has settled it. */
export class MessageInHand {
  readonly message: ServiceBusReceivedMessage;
  readonly delivery: number;
  readonly #settler: Settler;
  /** How the handler or the processor settled it, or is about to. */
  settledAs: "complete" | "abandon" | "defer" | "deadLetter" | undefined;
  /** The latest settlement, while the service has not confirmed it and the lock is not known to be lost. */
  unconfirmed: MessageInHand["settledAs"];

  constructor(message: ServiceBusReceivedMessage, delivery: number, settler: Settler) {
    this.message = message;
    this.delivery = delivery;
    this.#settler = settler;
  }

  complete(): Promise<SettleResult> {
    return this.#settle("complete", (settler) => settler.completeMessage(this.message));
  }

  abandon(properties?: PropertiesToModify): Promise<SettleResult> {
    return this.#settle("abandon", (settler) => settler.abandonMessage(this.message, properties));
  }

  defer(properties?: PropertiesToModify): Promise<SettleResult> {
    return this.#settle("defer", (settler) => settler.deferMessage(this.message, properties));
  }

  deadLetter(options?: DeadLetterOptions & PropertiesToModify): Promise<SettleResult> {
    return this.#settle("deadLetter", (settler) => settler.deadLetterMessage(this.message, options));
  }

  /** For one call of the handler. */
  context<Extra extends object>(
    signals: () => readonly AbortSignal[],
    attempt: number,
    extra: Extra,
  ): MessageContext & Extra {
    let signal: AbortSignal | undefined;
    return {
      ...extra,
      get signal() {
        signal ??= AbortSignal.any([...signals()]);
        return signal;
      },
      attempt,
      delivery: this.delivery,
      complete: () => this.complete(),
      abandon: (properties) => this.abandon(properties),
      defer: (properties) => this.defer(properties),
      deadLetter: (options) => this.deadLetter(options),
    };
  }

  async #settle(
    how: NonNullable<MessageInHand["settledAs"]>,
    settle: (settler: Settler) => Promise<void>,
  ): Promise<SettleResult> {
    const result = await settleResult(settle(this.#settler));
    const { status } = result;
    if (status === "settled" || status === "unknown") this.settledAs = how;
    this.unconfirmed = status === "settled" || status === "lost" ? undefined : how;
    return result;
  }
}
