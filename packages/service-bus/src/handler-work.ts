import type { MessageHandlers, ProcessErrorArgs, ServiceBusReceivedMessage } from "@azure/service-bus";
import { leaseOf, type Lease } from "./lease.ts";
import { settlings, type Settling } from "./settlement.ts";
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
  readonly #handling = new Set<Promise<void>>();
  readonly #settling = new Set<Promise<void>>();

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
    return this.#handling.size;
  }

  /** Resolves when all that came has been handled and settled. */
  async done(): Promise<void> {
    while (this.#handling.size > 0 || this.#settling.size > 0) {
      await Promise.allSettled([...this.#handling, ...this.#settling]);
    }
  }

  /** Resolves when there is room for another message. */
  handle(message: ServiceBusReceivedMessage): Promise<void> {
    const handling = this.#handle(message).finally(() => this.#handling.delete(handling));
    this.#handling.add(handling);
    return handling;
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
    // After a link was replaced, what the former one brought may still hold all places.
    await this.#slots.take();
    try {
      const lease = leaseOf(message);
      // Somebody else may have it by now.
      if (lease?.lock.lost !== undefined) return;
      const how = await this.#call(message);
      if (lease === undefined || (how === "complete" && !this.#autoComplete)) return;
      const settled = this.#settle(lease, how);
      // A round trip need not stand between two messages; a service that does not answer must.
      if (how === "abandon" || this.#settling.size > this.#mostSettling) await settled;
    } finally {
      this.#slots.leave();
    }
  }

  async #call(message: ServiceBusReceivedMessage): Promise<"complete" | "abandon"> {
    try {
      await this.#handlers.processMessage(message);
      return "complete";
    } catch (error) {
      this.report(error, "processMessageCallback");
      return "abandon";
    }
  }

  #settle(lease: Lease, how: "complete" | "abandon"): Promise<void> {
    // The handler has settled it by itself.
    if (lease.state.name !== "held") return Promise.resolve();
    const settling = how === "complete" ? settlings.complete : settlings.abandon();
    const settled = this.#context
      .settle(lease, settling)
      .catch((error: unknown) => {
        this.report(error, how);
      })
      .finally(() => this.#settling.delete(settled));
    this.#settling.add(settled);
    return settled;
  }
}
