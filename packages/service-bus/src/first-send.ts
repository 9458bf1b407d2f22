import type { OperationOptionsBase, ServiceBusSender } from "@azure/service-bus";
import { abortErrorOf, type FailedAttempt, type Gate } from "@holdfast/core";
import type { Lifetime } from "./lifetime.ts";
import type { SingleMessage } from "./message-key.ts";
import type { Dispatch } from "./parcel.ts";
import type { Cargo, Transfer } from "./transfers.ts";

/** The call that it belongs to. */
export interface FirstSendCall {
  readonly message: SingleMessage;
  readonly options: OperationOptionsBase | undefined;
  /** Ends when the call is to be cut. */
  readonly lifetime: Lifetime;
  readonly startedAt: number;
  readonly accepted: () => void;
  /** The loop goes on from here, with the place at the gate. */
  readonly failed: (attempt: FailedAttempt) => void;
}

/**
 * One message's first attempt where nothing stands in its way: no other is under way or waits, the gate is silent, the link
 * was open a moment ago. It is what `run()` would do, without what `run()` keeps ready for the case that it fails; then
 * the loop takes over. A sender that awaits each message sends nearly all of them so, and the rest costs a tenth of a send.
 */
export class FirstSend implements Cargo {
  readonly #call: FirstSendCall;
  readonly #isShared: boolean;
  readonly #gate: Gate;
  readonly #dispatch: Dispatch;

  constructor(call: FirstSendCall, isShared: boolean, gate: Gate, dispatch: Dispatch) {
    this.#call = call;
    this.#isShared = isShared;
    this.#gate = gate;
    this.#dispatch = dispatch;
  }

  send(sender: ServiceBusSender, transfer: Transfer): Promise<void> {
    const { message, options, lifetime } = this.#call;
    lifetime.addEventListener("abort", () => {
      transfer.cut(abortErrorOf(lifetime));
    });
    return sender.sendMessages(message, { ...options, abortSignal: transfer });
  }

  accepted(): void {
    this.#gate.leave("accepted", 1);
    this.#dispatch.over(this.#isShared);
    this.#call.accepted();
  }

  refused(error: unknown): void {
    this.#dispatch.refused([], this.#isShared, error);
    this.#call.failed({ error, startedAt: this.#call.startedAt });
  }
}
