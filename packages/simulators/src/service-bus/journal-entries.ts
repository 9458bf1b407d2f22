import type { Transport } from "../sockets/wire.ts";
import type { ServiceBusStep } from "./faults.ts";

/** When something happened: milliseconds on the simulator's monotonic clock, fractional. */
export interface Moment {
  readonly at: number;
}

/** On which connection and link; both ids count from 1 over the life of the simulator. */
export interface Place {
  readonly connection: number;
  readonly link: number;
  readonly linkName: string;
}

/** A connection that got as far as a protocol header. */
export interface ConnectionEntry extends Moment {
  readonly connection: number;
  readonly transport: Transport;
  readonly peer: string;
  /** Undefined until the client has authenticated; `none` when it skipped SASL. */
  saslMechanism?: string;
  /** What the client's open frame said. */
  containerId?: string;
  hostname?: string;
  properties?: Readonly<Record<string, unknown>>;
  openedAt?: number;
  closedAt?: number;
}

/** A put-token request and its answer. */
export interface TokenEntry extends Moment {
  readonly connection: number;
  readonly audience: string;
  readonly type: string;
  /** 202 when accepted; undefined when a fault left it unanswered. */
  readonly status: number | undefined;
  readonly description: string | undefined;
  readonly keyName: string | undefined;
}

/** An attach of a client's link. */
export interface AttachEntry extends Moment, Place {
  readonly entity: string;
  /** What the client does on the link. */
  readonly role: "send" | "receive" | "management";
  readonly outcome: "attached" | "refused" | "unanswered";
  readonly condition?: string;
}

/** The end of a link, whoever ended it. */
export interface DetachEntry extends Moment, Place {
  readonly entity: string;
  readonly by: "client" | "service";
  readonly condition?: string;
}

/** What became of a transfer. */
export type AttemptOutcome = "accepted" | "rejected" | "pending" | "pre-settled" | "unanswered" | "discarded";

/** A transfer that arrived: one message or one batch. */
export interface AttemptEntry extends Moment, Place {
  readonly entity: string;
  readonly deliveryId: number;
  readonly bytes: number;
  readonly batch: boolean;
  /** How many messages the transfer carries. */
  readonly messages: number;
  readonly messageIds: readonly (string | undefined)[];
  readonly sessionIds: readonly (string | undefined)[];
  readonly partitionKeys: readonly (string | undefined)[];
  /** `pending` while the acknowledgement is delayed. */
  outcome: AttemptOutcome;
  /** The kind of the scripted fault that this transfer met. */
  readonly fault?: string;
}

/** An acceptance that was written to the client. */
export interface AcceptedEntry extends Moment, Place {
  readonly entity: string;
  readonly deliveryId: number;
  readonly messageIds: readonly (string | undefined)[];
}

/** A refusal that was written to the client, at whichever step. */
export interface RefusalEntry extends Moment {
  readonly step: ServiceBusStep;
  readonly entity: string;
  readonly connection: number;
  readonly condition: string;
  readonly description: string;
  readonly messageIds: readonly (string | undefined)[];
  /** The lock that was to be settled, at that step. */
  readonly lockToken?: string;
  /** The `$management` operation, at that step. */
  readonly operation?: string;
}

/** A message the broker has taken over: the ledger against which loss is measured. */
export interface StoredEntry extends Moment {
  readonly entity: string;
  readonly sequenceNumber: number;
  /** The client's, or the one the broker gave. */
  readonly messageId: string;
  readonly connection: number;
  /** Encoded size. */
  readonly bytes: number;
  /** Data that is JSON is parsed, other data is bytes, an AMQP value is itself. */
  readonly body: unknown;
  /** The bytes of a body of data; undefined for an AMQP value or sequence. */
  readonly bodyBytes: Uint8Array | undefined;
  readonly applicationProperties: Readonly<Record<string, unknown>>;
  readonly sessionId: string | undefined;
  readonly partitionKey: string | undefined;
  readonly subject: string | undefined;
  readonly correlationId: string | undefined;
}

/** A message that duplicate detection dropped; the client was told that it was accepted. */
export interface DuplicateEntry extends Moment {
  readonly entity: string;
  readonly messageId: string;
  readonly connection: number;
}

/** A message handed to a receiver. */
export interface DeliveredEntry extends Moment, Place {
  readonly entity: string;
  readonly sequenceNumber: number;
  readonly messageId: string;
  /** Unsuccessful deliveries before this one. */
  readonly deliveryCount: number;
  /** Undefined in receive-and-delete mode. */
  readonly lockToken: string | undefined;
  readonly sessionId?: string;
}

/** What a settlement did to the message. */
export type Disposition =
  "completed" | "abandoned" | "deferred" | "dead-lettered" | "released" | "lock-expired" | "deleted";

/** A message settled, by a client or by the expiry of its lock. */
export interface SettledEntry extends Moment {
  readonly entity: string;
  readonly sequenceNumber: number;
  readonly messageId: string;
  /** Empty for a message that was deleted unread. */
  readonly lockToken: string;
  readonly disposition: Disposition;
  /** On the receiver's link, by a `$management` request, over HTTP, or by the broker itself. */
  readonly via: "link" | "management" | "http" | "broker";
  readonly connection: number | undefined;
  readonly sessionId?: string;
  /** Why a client dead-lettered it. */
  readonly reason?: string | undefined;
  readonly description?: string | undefined;
}

/** A lock of a message that was prolonged. */
export interface RenewalEntry extends Moment {
  readonly entity: string;
  readonly connection: number;
  readonly sequenceNumber: number;
  readonly messageId: string;
  readonly lockToken: string;
  /** Milliseconds since the epoch. */
  readonly lockedUntil: number;
}

/** Something that happened to the lock of a session. */
export interface SessionEntry extends Moment, Place {
  readonly entity: string;
  /** `refused`: another link holds it. `timed-out`: there was no session to give. `released`: its holder's link ended. */
  readonly event: "accepted" | "refused" | "timed-out" | "renewed" | "state-set" | "released" | "expired";
  /** Undefined for a link that asked for the next session and got none. */
  readonly sessionId: string | undefined;
  /** Milliseconds since the epoch; for `accepted` and `renewed`. */
  readonly lockedUntil?: number;
}

/** A message that was dead-lettered. */
export interface DeadLetterEntry extends Moment {
  /** The entity it was dead-lettered from. */
  readonly entity: string;
  readonly sequenceNumber: number;
  readonly messageId: string;
  /** By a client's settlement, or by the broker itself. */
  readonly by: "client" | "broker";
  readonly reason?: string | undefined;
  readonly description?: string | undefined;
  /** Where the entity's dead letters are forwarded. */
  readonly forwardedTo?: string;
}

/** A message that was handed on from one entity to another. */
export interface ForwardEntry extends Moment {
  readonly entity: string;
  readonly to: string;
  readonly sequenceNumber: number;
  readonly messageId: string;
  /** Why it was not, and went to the transfer dead-letter queue. */
  readonly failure?: string;
}

/** A message that outlived its time to live. */
export interface ExpiredEntry extends Moment {
  readonly entity: string;
  readonly sequenceNumber: number;
  readonly messageId: string;
  /** False: it is gone. */
  readonly deadLettered: boolean;
}

/** A `$management` request and its answer. */
export interface ManagementEntry extends Moment {
  readonly entity: string;
  readonly connection: number;
  readonly operation: string;
  /** Undefined when a fault left it unanswered. */
  readonly status: number | undefined;
  readonly condition: string | undefined;
  readonly trackingId: string | undefined;
}

/** A request for administration over HTTP, and its answer. */
export interface AdminEntry extends Moment {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** The entity's name, or the path of what is no entity. */
  readonly entity: string;
  /** `If-Match: *`: an update, where a plain PUT creates. */
  readonly isUpdate: boolean;
  /** Undefined when a fault left it unanswered. */
  readonly status: number | undefined;
}

/** A scripted fault that happened. */
export interface FaultEntry extends Moment {
  readonly step: ServiceBusStep;
  readonly entity: string | undefined;
  readonly kind: string;
}
