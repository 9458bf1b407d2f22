import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { Lock } from "./lock.ts";
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
  /** False in a session, whose lock is of all its messages. */
  readonly ownsLock: boolean;
  /** Whether its link waits for its settlement. */
  isAwaited = false;
  state: LeaseState = held;

  constructor(message: ServiceBusReceivedMessage, lock: Lock, link?: ReceiverLink, ownsLock = true) {
    this.message = message;
    this.lock = lock;
    this.link = link;
    this.ownsLock = ownsLock;
    leases.set(message, this);
  }
}

/** Of every lease in the beginning. */
export const held: LeaseState = { name: "held" };

const leases = new WeakMap<ServiceBusReceivedMessage, Lease>();

/** The lease of a message that one of our receivers received. */
export function leaseOf(message: ServiceBusReceivedMessage): Lease | undefined {
  return leases.get(message);
}
