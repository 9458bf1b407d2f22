import type { OperationOptionsBase, ServiceBusMessageBatch, ServiceBusSender } from "@azure/service-bus";
import type { Attempt } from "@holdfast/core";
import type { Lifetime } from "./lifetime.ts";
import type { SingleMessage } from "./message-key.ts";
import type { Cargo } from "./transfers.ts";

/** Sends what is one transfer already: a batch. */
export type Whole = (sender: ServiceBusSender, signal: Lifetime) => Promise<void>;

/** A message that may share a transfer, and with whom: those of the same key. */
export interface Single {
  readonly message: SingleMessage;
  readonly key: string;
}

/** Who sent a parcel off, and hears what became of it. */
export interface Dispatch {
  /** A transfer ended. @param isShared - whether it counts among those that messages may share. */
  over(isShared: boolean): void;
  refused(entries: readonly Entry[], isShared: boolean, error: unknown): void;
}

/** Something to send, and the attempt that waits for its outcome; by itself, it is the cargo of a transfer. */
export class Entry implements Cargo {
  readonly attempt: Attempt;
  readonly content: Single | Whole;
  readonly options: OperationOptionsBase | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** It must not share a transfer: it is a whole one, its sender does not coalesce, or its batch was rejected. */
  alone: boolean;
  readonly #dispatch: Dispatch;

  constructor(
    attempt: Attempt,
    content: Single | Whole,
    alone: boolean,
    options: OperationOptionsBase | undefined,
    dispatch: Dispatch,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.attempt = attempt;
    this.content = content;
    this.alone = alone;
    this.options = options;
    this.#dispatch = dispatch;
    this.resolve = resolve;
    this.reject = reject;
  }

  send(sender: ServiceBusSender, abortSignal: Lifetime): Promise<void> {
    const { content, options } = this;
    if (typeof content === "function") return content(sender, abortSignal);
    return sender.sendMessages(
      content.message,
      options === undefined ? { abortSignal } : { ...options, abortSignal },
    );
  }

  accepted(): void {
    this.resolve();
    this.#dispatch.over(!this.alone);
  }

  refused(error: unknown): void {
    this.#dispatch.refused([this], !this.alone, error);
  }
}

/** Several messages of one key in one transfer. */
export class Parcel implements Cargo {
  readonly #entries: readonly Entry[];
  readonly #batch: ServiceBusMessageBatch;
  readonly #dispatch: Dispatch;

  constructor(entries: readonly Entry[], batch: ServiceBusMessageBatch, dispatch: Dispatch) {
    this.#entries = entries;
    this.#batch = batch;
    this.#dispatch = dispatch;
  }

  send(sender: ServiceBusSender, abortSignal: Lifetime): Promise<void> {
    return sender.sendMessages(this.#batch, { ...this.#entries[0]?.options, abortSignal });
  }

  accepted(): void {
    for (const entry of this.#entries) entry.resolve();
    this.#dispatch.over(true);
  }

  refused(error: unknown): void {
    this.#dispatch.refused(this.#entries, true, error);
  }
}
