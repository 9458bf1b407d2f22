import {
  outcomes,
  type Delivery,
  type LinkContext,
  type ReceiverLink,
} from "../../service-bus/amqp-engine.ts";
import type { HubConnectionFault } from "../faults.ts";
import type { HubError } from "../hub-error.ts";
import type { HubLink } from "./link.ts";
import { decodeMessage, type AmqpMessage } from "./message.ts";

const CREDIT = 500;

/** A message that has arrived on a link, and the ways to deal with it. */
export interface Incoming {
  readonly message: AmqpMessage;
  readonly isGone: boolean;
  accept(): void;
  refuse(error: HubError): void;
  leaveUnanswered(): void;
  suffer(fault: HubConnectionFault): void;
}

/** Gives a client credit and hands over what it sends. */
export function receiveOn(link: HubLink, receiver: ReceiverLink, handle: (incoming: Incoming) => void): void {
  receiver.add_credit(CREDIT);
  receiver.on("message", ({ delivery, message: payload }: LinkContext) => {
    if (delivery === undefined || payload === undefined) return;
    if (receiver.credit <= CREDIT * 0.75) receiver.add_credit(CREDIT - receiver.credit);
    if (link.hasEnded) {
      // AMQP 2.6.6: what arrives after our detach is discarded.
      delivery.settled = true;
      return;
    }
    handle(incomingOn(link, delivery, payload));
  });
}

function incomingOn(link: HubLink, delivery: Delivery, payload: Buffer): Incoming {
  return {
    message: decodeMessage(payload),
    get isGone() {
      return link.hasEnded;
    },
    accept() {
      if (link.hasEnded) delivery.settled = true;
      else delivery.update(true, outcomes.accepted());
    },
    refuse({ condition, message }) {
      if (link.hasEnded) delivery.settled = true;
      else delivery.update(true, outcomes.rejected({ condition, description: message }));
    },
    // Lets the engine forget a delivery that gets no answer; otherwise its buffer would fill up behind it.
    leaveUnanswered() {
      delivery.settled = true;
    },
    suffer(fault) {
      link.connection.suffer(fault, link);
    },
  };
}
