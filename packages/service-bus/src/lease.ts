import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { rememberLock, type Lock } from "./lock.ts";
import type { ReceiverLink } from "./receiver-link.ts";

/** What has been decided about a message. */
export type LeaseState =
  | { readonly name: "held" }
  /** `what` is the settlement in words, to tell a repetition from another. */
  | { readonly name: "settling" | "settled"; readonly what: string; readonly done: Promise<void> };

/** A received message that waits for its settlement: its lock, and the link it came on. */
export class Lease {
  readonly message: ServiceBusReceivedMessage;
  readonly lock: Lock;
  /** Undefined when it came by the `$management` node. */
  readonly link: ReceiverLink | undefined;
  state: LeaseState = { name: "held" };

  constructor(message: ServiceBusReceivedMessage, lock: Lock, link: ReceiverLink | undefined) {
    this.message = message;
    this.lock = lock;
    this.link = link;
    leases.set(message, this);
    rememberLock(message, lock);
    if (link !== undefined) {
      lock.onLost = () => {
        link.forget(this);
      };
    }
  }

  /** Whether the service still waits for its settlement, as far as we know. */
  get isOpen(): boolean {
    return this.state.name !== "settled" && this.lock.lost === undefined;
  }
}

const leases = new WeakMap<ServiceBusReceivedMessage, Lease>();

/** The lease of a message that one of our receivers received. */
export function leaseOf(message: ServiceBusReceivedMessage): Lease | undefined {
  return leases.get(message);
}
