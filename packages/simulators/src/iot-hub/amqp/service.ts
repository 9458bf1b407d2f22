import type { ReceiverLink, SenderLink } from "../../service-bus/amqp-engine.ts";
import type { CommandAck } from "../command.ts";
import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { identityKey } from "../identity.ts";
import type { ServiceConsumer, ServiceQueue } from "../service-queue.ts";
import { performStep } from "../step.ts";
import { receiveOn, type Incoming } from "./incoming.ts";
import type { HubLink } from "./link.ts";
import { encodeMessage } from "./message.ts";
import { OutgoingLink } from "./outgoing.ts";

const acks: readonly string[] = ["none", "positive", "negative", "full"];

/** A service sends messages to devices on this link. */
export function attachServiceSends(link: HubLink, receiver: ReceiverLink): void {
  receiveOn(link, receiver, (incoming) => {
    sendToDevice(link, incoming);
  });
}

function sendToDevice(link: HubLink, incoming: Incoming): void {
  const { hub, id, protocol } = link.connection;
  const { message } = incoming;
  const match = /^\/?devices\/([^/]+)(?:\/modules\/([^/]+))?\/messages\/devicebound$/i.exec(message.to ?? "");
  const device = identityKey(
    decodeURIComponent(match?.[1] ?? ""),
    match?.[2] === undefined ? undefined : decodeURIComponent(match[2]),
  );
  performStep(hub, hub.fault("service-send", device), {
    act: () => {
      const { queue } = hub.identity(device);
      if (queue === undefined) throw new HubFailure(hubErrors.argument, "Modules have no message queue.");
      const { "iothub-ack": ack = "none", ...properties } = message.properties;
      queue.enqueue({
        body: message.body,
        properties,
        ack: (acks.includes(ack) ? ack : "none") as CommandAck,
        ...(message.messageId === undefined ? {} : { messageId: message.messageId }),
        ...(message.correlationId === undefined ? {} : { correlationId: message.correlationId }),
        ...(message.userId === undefined ? {} : { userId: message.userId }),
        ...(message.contentType === undefined ? {} : { contentType: message.contentType }),
        ...(message.contentEncoding === undefined ? {} : { contentEncoding: message.contentEncoding }),
        ...(message.expiresAt === undefined ? {} : { expiresAt: message.expiresAt }),
      });
    },
    answer: () => {
      incoming.accept();
    },
    refuse: (error) => {
      const { messageId } = message;
      hub.refused("service-send", error, {
        device,
        connection: id,
        protocol,
        ...(messageId === undefined ? {} : { messageId }),
      });
      incoming.refuse(error);
    },
    leaveUnanswered: () => {
      incoming.leaveUnanswered();
    },
    suffer: (fault) => {
      incoming.suffer(fault);
    },
  });
}

function attachServiceQueue<Item>(
  link: HubLink,
  sender: SenderLink,
  queue: ServiceQueue<Item>,
  contentType: string,
): void {
  const held = new Set<Item>();
  const outgoing = new OutgoingLink(link, sender, () => {
    queue.pump();
  });
  const consumer: ServiceConsumer<Item> = {
    get isReady() {
      return outgoing.isReady;
    },
    deliver(item) {
      held.add(item);
      outgoing.send(encodeMessage({ contentType, body: Buffer.from(JSON.stringify(item)) }), (outcome) => {
        if (!held.delete(item)) return;
        if (outcome === "released" || outcome === "modified") queue.giveBack(item);
      });
    },
  };
  link.whenEnded(() => {
    queue.detach(consumer);
    for (const item of held) queue.giveBack(item);
  });
  queue.attach(consumer);
}

/** A service receives feedback on this link. */
export function attachFeedback(link: HubLink, sender: SenderLink): void {
  attachServiceQueue(
    link,
    sender,
    link.connection.hub.feedback,
    "application/vnd.microsoft.iothub.feedback.json",
  );
}

/** A service receives notifications of file uploads on this link. */
export function attachFileNotifications(link: HubLink, sender: SenderLink): void {
  attachServiceQueue(
    link,
    sender,
    link.connection.hub.uploads.notifications,
    "application/vnd.microsoft.iothub.filenotification.json",
  );
}
