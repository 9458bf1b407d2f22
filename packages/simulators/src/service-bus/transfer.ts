import { outcomes, type Delivery, type LinkContext, type ReceiverLink } from "./amqp-engine.ts";
import { codec } from "./amqp-types.ts";
import { conditions, type AmqpError } from "./conditions.ts";
import type { AttemptEntry } from "./journal-entries.ts";
import type { BrokerLink } from "./link.ts";
import { MessageContent } from "./message-format.ts";
import { BATCH_FORMAT, MalformedMessage, messagesOfTransfer } from "./message-sections.ts";
import { isSendable, type Destination } from "./entity.ts";
import { busyError, texts, trackedError } from "./texts.ts";

interface Incoming {
  readonly content: MessageContent;
  readonly bytes: number;
}

/** A client that wants to send has attached: announces the size limit, gives credit, takes transfers. */
export function attachSender(link: BrokerLink, queue: Destination, receiver: ReceiverLink): void {
  const { linkCredit } = link.connection.broker.settings;
  const { maxMessageSizeBytes, maxBatchSizeBytes } = queue.settings;
  receiver.local.attach.max_message_size = maxMessageSizeBytes;
  receiver.local.attach.properties = {
    "com.microsoft:max-message-batch-size": codec.wrap_ulong(maxBatchSizeBytes),
  };
  if (!link.isDeaf) receiver.add_credit(linkCredit);
  receiver.on("message", ({ delivery, message }: LinkContext) => {
    if (delivery === undefined || message === undefined) return;
    link.touch();
    if (receiver.credit <= linkCredit * 0.75) receiver.add_credit(linkCredit - receiver.credit);
    transferred(link, queue, delivery, message);
  });
}

function decode(payload: Buffer, format: number): Incoming[] | MalformedMessage {
  try {
    return messagesOfTransfer(payload, format).map((bytes) => ({
      content: MessageContent.decode(bytes),
      bytes: bytes.length,
    }));
  } catch (error) {
    if (error instanceof MalformedMessage) return error;
    throw error;
  }
}

/** Why the service itself would refuse this transfer, if it would. */
function refusalOf(
  link: BrokerLink,
  queue: Destination,
  delivery: Delivery,
  bytes: number,
  messages: Incoming[] | MalformedMessage,
): AmqpError | undefined {
  const { broker } = link.connection;
  const tracking = broker.tracking(link.entity);
  const { maxMessageSizeBytes, maxBatchSizeBytes, maxSizeBytes } = queue.settings;
  const limit = delivery.format === BATCH_FORMAT ? maxBatchSizeBytes : maxMessageSizeBytes;
  if (!isSendable(queue)) {
    return trackedError(
      conditions.entityDisabled,
      texts.entityDisabled(broker.resource(queue.path)),
      tracking,
    );
  }
  if (bytes > limit) {
    const text = texts.messageTooLarge(delivery.id, bytes, limit);
    return trackedError(conditions.messageTooLarge, text, tracking);
  }
  if (messages instanceof MalformedMessage) {
    return trackedError(conditions.decodeError, messages.message, tracking);
  }
  if (queue.requiresSession && messages.some(({ content }) => content.sessionId === undefined)) {
    return trackedError(conditions.notAllowed, texts.sessionIdMissing, tracking);
  }
  if (!broker.throttle.admitMessages(messages.length)) return busyError(2, tracking);
  if (queue.sizeBytes + bytes > maxSizeBytes) {
    return trackedError(
      conditions.quotaExceeded,
      texts.entityFull(queue.path, maxSizeBytes, queue.sizeBytes),
      tracking,
    );
  }
  return undefined;
}

/** A transfer has arrived whole: one message, or a batch that stands or falls together. AMQP 2.7.5. */
function transferred(link: BrokerLink, queue: Destination, delivery: Delivery, payload: Buffer): void {
  const { connection } = link;
  const { broker } = connection;
  const format = delivery.format ?? 0;
  const decoded = decode(payload, format);
  const messages = decoded instanceof MalformedMessage ? [] : decoded;
  const preSettled = delivery.remote_settled;
  const fault = link.hasEnded ? undefined : broker.fault("send", link.entity);
  const attempt: AttemptEntry = broker.ledgers.attempts.add({
    at: broker.clock.now(),
    ...link.place,
    entity: link.entity,
    deliveryId: delivery.id,
    bytes: payload.length,
    batch: format === BATCH_FORMAT,
    messages: messages.length,
    messageIds: messages.map(({ content }) => content.messageId),
    sessionIds: messages.map(({ content }) => content.sessionId),
    partitionKeys: messages.map(({ content }) => content.partitionKey),
    outcome: preSettled ? "pre-settled" : "pending",
    ...(fault === undefined ? {} : { fault: fault.kind }),
  });
  // Lets the engine forget a delivery that gets no answer; otherwise its buffer would fill up behind it.
  const leaveUnanswered = (): void => {
    attempt.outcome = "unanswered";
    delivery.settled = true;
  };
  const store = (): void => {
    for (const { content, bytes } of messages) queue.enqueue({ content, bytes, connection: connection.id });
  };
  const answer = (error?: AmqpError): void => {
    if (connection.isGone || link.hasEnded) {
      leaveUnanswered();
      return;
    }
    const at = broker.clock.now();
    const { messageIds } = attempt;
    if (error === undefined) {
      if (!preSettled) {
        attempt.outcome = "accepted";
        broker.ledgers.accepted.add({
          at,
          ...link.place,
          entity: link.entity,
          deliveryId: delivery.id,
          messageIds,
        });
      }
      delivery.update(true, outcomes.accepted());
    } else {
      attempt.outcome = "rejected";
      const { condition, description = "" } = error;
      broker.ledgers.refusals.add({
        at,
        step: "send",
        entity: link.entity,
        connection: connection.id,
        condition,
        description,
        messageIds,
      });
      delivery.update(true, outcomes.rejected(error));
    }
  };

  if (link.hasEnded) {
    // AMQP 2.6.6: what arrives after our detach, because the client had not seen it yet, is discarded.
    leaveUnanswered();
    attempt.outcome = "discarded";
    return;
  }
  if (fault?.kind === "refuse") {
    answer(trackedError(fault.condition, fault.description, broker.tracking(link.entity)));
    return;
  }
  if (fault === undefined || fault.kind === "delay" || fault.stored) {
    const error = refusalOf(link, queue, delivery, payload.length, decoded);
    if (error !== undefined) {
      answer(error);
      return;
    }
    store();
  }
  const lateBy = broker.settings.acknowledgementDelayMs + (fault?.kind === "delay" ? fault.ms : 0);
  if (fault === undefined || fault.kind === "delay") {
    if (lateBy === 0) answer();
    else
      broker.timers.after(lateBy, () => {
        answer();
      });
    return;
  }
  leaveUnanswered();
  if (fault.kind === "detach") {
    const { condition = conditions.detachForced, description = texts.idleTimeout(link.engine.name) } = fault;
    link.detach(trackedError(condition, description, broker.tracking(link.entity)));
  } else if (fault.kind !== "lose-acknowledgement") {
    connection.suffer(fault);
  }
}
