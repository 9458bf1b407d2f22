import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { Lock, LockHolder } from "./lock.ts";
import type { ReceiverLink } from "./receiver-link.ts";

/** What has been decided about a message. */
export interface Decided {
  /** The settlement in words, to tell a repetition from another. */
  readonly what: string;
  readonly done: Promise<void>;
}

/** A received message that waits for its settlement: its lock, and the link it came on. */
export class Lease implements LockHolder {
  readonly message: ServiceBusReceivedMessage;
  readonly lock: Lock;
  /** Undefined when it came by the `$management` node. */
  readonly link: ReceiverLink | undefined;
  /** False in a session, whose lock is of all its messages. */
  readonly ownsLock: boolean;
  /** The settlement that is under way, or has been confirmed. */
  decided: Decided | undefined;
  /** Among what its receiver holds, until it is settled, let go or lost. */
  inHand: { leave(): void } | undefined;
  /** Among what the engine remembers of its link, until it is settled there. */
  remembered: { leave(): void } | undefined;
  /** Which delivery of its link it is. */
  delivery = 0;
  /** Whether its link waits for its settlement. */
  isAwaited = false;

  constructor(message: ServiceBusReceivedMessage, lock: Lock, link?: ReceiverLink, ownsLock = true) {
    this.message = message;
    this.lock = lock;
    this.link = link;
    this.ownsLock = ownsLock;
    Leased.mark(message, this);
  }

  lockLost(): void {
    this.link?.forget(this);
    this.inHand?.leave();
  }
}

/** The lease of a message that one of our receivers received. */
export function leaseOf(message: ServiceBusReceivedMessage): Lease | undefined {
  return Leased.lease(message);
}

/** A constructor that makes nothing: its subclass's private fields go to the object it is given. */
const Given = function (message: object): object {
  return message;
} as unknown as new (message: object) => object;

/**
 * Writes a lease on the message itself, in a private field: nobody else sees it, no copy takes it along. That is what a
 * WeakMap is for, but each message in one costs the collector more than all the rest of its lease.
 */
class Leased extends Given {
  #lease: Lease;

  constructor(message: ServiceBusReceivedMessage, lease: Lease) {
    super(message);
    this.#lease = lease;
  }

  static mark(message: ServiceBusReceivedMessage, lease: Lease): void {
    if (#lease in message) message.#lease = lease;
    else new Leased(message, lease);
  }

  static lease(message: object): Lease | undefined {
    return #lease in message ? message.#lease : undefined;
  }
}
