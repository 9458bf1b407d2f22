import { codec, type TypedPairs } from "./amqp-types.ts";
import type { SenderLink } from "./amqp-engine.ts";
import { prepareSender, type LinkCredit } from "./amqp-repairs.ts";
import { conditions } from "./conditions.ts";
import type { BrokerLink } from "./link.ts";
import type { MessageLock } from "./lock.ts";
import { dotNetByteOrder, lockTokenText, newLockToken } from "./lock-token.ts";
import type { Consumer } from "./consumer.ts";
import type { MessageQueue } from "./queue.ts";
import { listenForSettlement } from "./settle.ts";
import type { SessionLock } from "./session-lock.ts";
import type { StoredMessage } from "./stored-message.ts";
import { texts, trackedError } from "./texts.ts";

// AMQP 2.8.2: the sender settles every delivery before it sends it.
const SENDS_SETTLED = 1;

const messageStates = { active: 0, deferred: 1, scheduled: 2 } as const;

/** The annotations that the broker adds to a message on its way out. */
function brokerAnnotations(message: StoredMessage, lock: MessageLock | undefined): TypedPairs {
  return [
    codec.wrap_symbol("x-opt-sequence-number"),
    codec.wrap_long(message.sequenceNumber),
    codec.wrap_symbol("x-opt-enqueue-sequence-number"),
    codec.wrap_long(message.enqueuedSequenceNumber),
    codec.wrap_symbol("x-opt-enqueued-time"),
    codec.wrap_timestamp(message.enqueuedAt),
    codec.wrap_symbol("x-opt-message-state"),
    codec.wrap_int(messageStates[message.state]),
    ...(message.deadLetterSource === undefined
      ? []
      : [codec.wrap_symbol("x-opt-deadletter-source"), codec.wrap_string(message.deadLetterSource)]),
    ...(lock === undefined
      ? []
      : [codec.wrap_symbol("x-opt-locked-until"), codec.wrap_timestamp(lock.lockedUntil)]),
  ];
}

/** Where clients that do not see the delivery tag look for the lock token: of deferred messages, nobody sees one. */
function deliveryAnnotations(lock: MessageLock | undefined): TypedPairs {
  return lock === undefined ? [] : [codec.wrap_symbol("x-opt-lock-token"), codec.wrap_uuid(lock.token)];
}

/** A message as it goes to a client. */
export function encodeForClient(
  message: StoredMessage,
  lock: MessageLock | undefined,
  omitBody = false,
): Buffer {
  const { expiresAt, enqueuedAt } = message;
  return message.content.encode({
    deliveryCount: message.deliveryCount,
    // AMQP 3.2.1: a time to live is an unsigned integer of 32 bits.
    timeToLiveMs: expiresAt === Infinity ? undefined : Math.min(expiresAt - enqueuedAt, 0xff_ff_ff_ff),
    deliveryAnnotations: deliveryAnnotations(lock),
    annotations: brokerAnnotations(message, lock),
    messageId: message.messageId,
    omitBody,
  });
}

interface PendingDelivery {
  readonly message: StoredMessage;
  readonly lock: MessageLock | undefined;
  /** On the simulator's monotonic clock. */
  readonly dueAt: number;
}

// So many deliveries leave together: the client has the first of a large credit while the rest is still being made.
const burst = 16;

class LinkConsumer implements Consumer {
  readonly locks: boolean;
  readonly #link: BrokerLink;
  readonly #queue: MessageQueue;
  readonly #sender: SenderLink;
  readonly #credit: LinkCredit;
  readonly #pending: PendingDelivery[] = [];
  #sent = 0;

  constructor(link: BrokerLink, queue: MessageQueue, sender: SenderLink) {
    this.locks = sender.snd_settle_mode !== SENDS_SETTLED;
    this.#link = link;
    this.#queue = queue;
    this.#sender = sender;
    this.#credit = prepareSender(sender);
  }

  get credit(): number {
    return this.#link.hasEnded || this.#link.isDeaf ? 0 : this.#credit.available;
  }

  deliver(message: StoredMessage, lock: MessageLock | undefined): void {
    const { connection } = this.#link;
    this.#credit.spend();
    this.#link.touch();
    const fault = connection.broker.fault("deliver", this.#queue.path);
    if (fault?.kind === "lose-acknowledgement" && !fault.stored) return;
    if (fault === undefined || fault.kind === "delay" || fault.stored) {
      this.#sendInOrder({
        message,
        lock,
        dueAt: connection.broker.clock.now() + (fault?.kind === "delay" ? fault.ms : 0),
      });
    }
    if (fault === undefined || fault.kind === "delay" || fault.kind === "lose-acknowledgement") return;
    // What was queued for the wire must leave before the link or the connection does.
    setImmediate(() => {
      if (fault.kind === "detach") {
        const { condition = conditions.detachForced, description = texts.idleTimeout(this.#sender.name) } =
          fault;
        this.#link.detach(trackedError(condition, description, connection.broker.tracking(this.#queue.path)));
      } else {
        connection.suffer(fault);
      }
    });
  }

  /** A delivery that is late holds up those behind it: the service keeps the order on a link. */
  #sendInOrder(delivery: PendingDelivery): void {
    this.#pending.push(delivery);
    if (this.#pending.length === 1) this.#sendDue();
  }

  #sendDue(): void {
    const { connection } = this.#link;
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      const leftMs = next.dueAt - connection.broker.clock.now();
      if (leftMs > 0) {
        connection.after(leftMs, () => {
          this.#sendDue();
        });
        return;
      }
      this.#pending.shift();
      if (!this.#link.hasEnded) this.#send(next.message, next.lock);
    }
  }

  #send(message: StoredMessage, lock: MessageLock | undefined): void {
    const { broker } = this.#link.connection;
    const tag = dotNetByteOrder(lock?.token ?? newLockToken());
    broker.ledgers.delivered.add({
      at: broker.clock.now(),
      ...this.#link.place,
      entity: this.#queue.path,
      sequenceNumber: message.sequenceNumber,
      messageId: message.messageId,
      deliveryCount: message.deliveryCount,
      lockToken: lock === undefined ? undefined : lockTokenText(lock.token),
      ...(message.content.sessionId === undefined ? {} : { sessionId: message.content.sessionId }),
    });
    const delivery = this.#sender.send(encodeForClient(message, lock), tag, 0);
    if (!this.locks) delivery.settled = true;
    this.#sent += 1;
    if (this.#sent % burst === 0) this.#link.connection.flush();
  }
}

/** A client that wants to receive has attached: delivers as its credit allows, answers drains, hears settlements. */
export function attachReceiver(
  link: BrokerLink,
  queue: MessageQueue,
  sender: SenderLink,
  session?: SessionLock,
): void {
  const { connection } = link;
  const consumer = new LinkConsumer(link, queue, sender);
  sender.on("sender_flow", () => {
    if (session === undefined) queue.pump();
    else queue.distribution.pumpSession(session);
  });
  sender.on("sender_draining", () => {
    const fault = connection.broker.fault("drain", queue.path);
    const answer = (): void => {
      if (!link.hasEnded) sender.set_drained(true);
      connection.engine._register();
    };
    if (fault === undefined) answer();
    else if (fault.kind === "delay") connection.after(fault.ms, answer);
    else if (fault.kind === "detach") {
      const { condition = conditions.detachForced, description = texts.idleTimeout(sender.name) } = fault;
      link.detach(trackedError(condition, description, connection.broker.tracking(queue.path)));
    } else if (fault.kind !== "lose-acknowledgement") connection.suffer(fault);
  });
  listenForSettlement(link, queue, sender, session);
  if (session !== undefined) {
    link.whenEnded(() => {
      queue.sessions?.release(session);
    });
    session.consumer = consumer;
    queue.distribution.pumpSession(session);
    return;
  }
  link.whenEnded(() => {
    // Messages that the client holds stay locked: it may settle them elsewhere, or the lock runs out.
    queue.distribution.removeConsumer(consumer);
  });
  queue.distribution.addConsumer(consumer);
}
