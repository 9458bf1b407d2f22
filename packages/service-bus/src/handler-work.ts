import type { MessageHandlers, ProcessErrorArgs, ServiceBusReceivedMessage } from "@azure/service-bus";
import { leaseOf, type Lease } from "./lease.ts";
import { settlings, type Settling } from "./settling.ts";
import { Slots } from "./slots.ts";

/** The receiver that handlers work for. */
export interface HandlerContext {
  readonly entityPath: string;
  readonly identifier: string;
  readonly fullyQualifiedNamespace: string;
  settle(lease: Lease, settling: Settling): Promise<void>;
}

// Settlements that may wait for their answer while handlers go on: enough for the line, few enough for a service that has
// stopped to answer.
const leastSettling = 128;

/** What the user's handlers do with messages, so many at once, and the settlement that follows. */
export class HandlerWork {
  readonly #context: HandlerContext;
  readonly #handlers: MessageHandlers;
  readonly #mostSettling: number;
  readonly #autoComplete: boolean;
  readonly #slots: Slots;
  #underWay = 0;
  #settling = 0;
  /** Who waits until nothing is under way. */
  #whenDone: (() => void)[] = [];

  constructor(
    context: HandlerContext,
    handlers: MessageHandlers,
    maxConcurrentCalls: number,
    autoComplete: boolean,
  ) {
    this.#context = context;
    this.#handlers = handlers;
    this.#mostSettling = Math.max(leastSettling, 2 * maxConcurrentCalls);
    this.#autoComplete = autoComplete;
    this.#slots = new Slots(maxConcurrentCalls);
  }

  /** Messages with a handler, or waiting for one. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Resolves when all that came has been handled and settled. */
  async done(): Promise<void> {
    while (this.#underWay > 0 || this.#settling > 0) {
      await new Promise<void>((resolve) => this.#whenDone.push(resolve));
    }
  }

  /** Resolves when there is room for another message. */
  handle(message: ServiceBusReceivedMessage): Promise<void> {
    this.#underWay += 1;
    // After a link was replaced, what the former one brought may still hold all places.
    const waiting = this.#slots.take();
    return waiting === undefined ? this.#handle(message) : waiting.then(() => this.#handle(message));
  }

  /** Tells the user's `processError`; what that throws is nobody's, as with the official client. */
  report(error: unknown, errorSource: ProcessErrorArgs["errorSource"]): void {
    const { entityPath, identifier, fullyQualifiedNamespace } = this.#context;
    const args = { error: error as Error, errorSource, entityPath, identifier, fullyQualifiedNamespace };
    void Promise.resolve()
      .then(() => this.#handlers.processError(args))
      .catch(() => undefined);
  }

  async #handle(message: ServiceBusReceivedMessage): Promise<void> {
    const lease = leaseOf(message);
    try {
      // Somebody else may have it by now.
      if (lease?.lock.lost !== undefined) return;
      let how: "complete" | "abandon" = "complete";
      try {
        await this.#handlers.processMessage(message);
      } catch (error) {
        this.report(error, "processMessageCallback");
        how = "abandon";
      }
      // The handler may have settled it by itself.
      if (lease?.decided !== undefined || lease === undefined) return;
      if (how === "complete" && !this.#autoComplete) return;
      const settled = this.#settle(lease, how);
      // A round trip need not stand between two messages; a service that does not answer must.
      if (how === "abandon" || this.#settling > this.#mostSettling) await settled;
    } finally {
      this.#slots.leave();
      this.#underWay -= 1;
      this.#tellDone();
    }
  }

  #settle(lease: Lease, how: "complete" | "abandon"): Promise<void> {
    const settling = how === "complete" ? settlings.complete : settlings.abandon();
    this.#settling += 1;
    return this.#context
      .settle(lease, settling)
      .then(this.#settled, how === "complete" ? this.#notCompleted : this.#notAbandoned);
  }

  readonly #settled = (): void => {
    this.#settling -= 1;
    this.#tellDone();
  };

  readonly #notCompleted = (error: unknown): void => {
    this.report(error, "complete");
    this.#settled();
  };

  readonly #notAbandoned = (error: unknown): void => {
    this.report(error, "abandon");
    this.#settled();
  };

  #tellDone(): void {
    if (this.#underWay > 0 || this.#settling > 0 || this.#whenDone.length === 0) return;
    const waiting = this.#whenDone;
    this.#whenDone = [];
    for (const tell of waiting) tell();
  }
}
