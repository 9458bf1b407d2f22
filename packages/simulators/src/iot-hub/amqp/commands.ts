import type { SenderLink } from "../../service-bus/amqp-engine.ts";
import { codec } from "../../service-bus/amqp-types.ts";
import type { CommandConsumer, CommandDelivery, CommandSettlement } from "../command-queue.ts";
import { HubFailure } from "../hub-failure.ts";
import type { HubProtocol } from "../journal-entries.ts";
import { performStep } from "../step.ts";
import type { HubLink } from "./link.ts";
import { encodeMessage } from "./message.ts";
import { OutgoingLink, type Outcome } from "./outgoing.ts";
import { push } from "./push.ts";

const settlements: Readonly<Record<Outcome, CommandSettlement>> = {
  accepted: "completed",
  rejected: "rejected",
  released: "abandoned",
  modified: "abandoned",
};

class CommandLink implements CommandConsumer {
  readonly #link: HubLink;
  readonly #outgoing: OutgoingLink;

  constructor(link: HubLink, sender: SenderLink) {
    this.#link = link;
    this.#outgoing = new OutgoingLink(link, sender, () => link.device?.identity.queue?.pump());
  }

  get connection(): number {
    return this.#link.connection.id;
  }

  get protocol(): HubProtocol {
    return this.#link.connection.protocol;
  }

  get isReady(): boolean {
    return this.#outgoing.isReady;
  }

  deliver({ command, lockToken }: CommandDelivery): void {
    const { hub } = this.#link.connection;
    const device = this.#link.device?.identity.key;
    const send = (body = command.body): void => {
      const payload = encodeMessage({
        messageId: command.messageId,
        correlationId: command.correlationId,
        userId: command.userId,
        to: command.to ?? `/devices/${device ?? ""}/messages/devicebound`,
        contentType: command.contentType,
        contentEncoding: command.contentEncoding,
        expiresAt: command.expiresAt,
        annotations: {
          "iothub-deliverycount": codec.wrap_int(command.deliveryCount - 1),
          "iothub-enqueuedtime": codec.wrap_timestamp(command.enqueuedAt),
          "x-opt-sequence-number": codec.wrap_long(command.sequenceNumber),
        },
        properties: {
          ...command.properties,
          ...(command.ack === "none" ? {} : { "iothub-ack": command.ack }),
        },
        body,
      });
      this.#outgoing.send(payload, (outcome) => {
        this.#settled(lockToken, outcome);
      });
    };
    const fault = hub.fault("deliver", device);
    push(this.#link, fault?.kind === "refuse" ? undefined : fault, send, (what) => {
      send(Buffer.from(what === "garbage" ? "not what was sent" : ""));
    });
  }

  #settled(lockToken: string, outcome: Outcome): void {
    const { connection, device } = this.#link;
    const { hub } = connection;
    performStep(hub, hub.fault("settle", device?.identity.key), {
      act: () => {
        try {
          device?.identity.queue?.settle(lockToken, settlements[outcome]);
        } catch (error) {
          // The lock ran out meanwhile, or a duplicate was settled: the disposition has no effect.
          if (!(error instanceof HubFailure)) throw error;
        }
      },
      answer: () => undefined,
      refuse: () => undefined,
      suffer: (fault) => {
        connection.suffer(fault, this.#link);
      },
    });
  }
}

/** A device receives cloud-to-device messages on this link. */
export function attachCommands(link: HubLink, sender: SenderLink): void {
  const queue = link.device?.identity.queue;
  if (queue === undefined) return;
  const consumer = new CommandLink(link, sender);
  link.whenEnded(() => {
    queue.detach(consumer);
  });
  queue.attach(consumer);
}
