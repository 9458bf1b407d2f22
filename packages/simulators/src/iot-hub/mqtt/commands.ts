import type { CommandConsumer, CommandDelivery } from "../command-queue.ts";
import type { Command } from "../command.ts";
import { performStep } from "../step.ts";
import { HubFailure } from "../hub-failure.ts";
import type { HubProtocol } from "../journal-entries.ts";
import type { MqttConnection } from "./connection.ts";
import { push } from "./push.ts";
import { formatPropertyBag, rootOf } from "./topics.ts";

/** The system properties of a message to a device, by their short names. */
function systemProperties(command: Command, to: string): Record<string, string> {
  const { messageId, correlationId, userId, contentType, contentEncoding, expiresAt } = command;
  const all = {
    mid: messageId,
    cid: correlationId,
    uid: userId,
    to: command.to ?? to,
    ct: contentType,
    ce: contentEncoding,
    exp: new Date(expiresAt).toISOString(),
  };
  return Object.fromEntries(
    Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** Cloud-to-device messages on one MQTT connection. A PUBACK completes a message; there is no other settlement. */
export class CommandChannel implements CommandConsumer {
  readonly #connection: MqttConnection;
  readonly #inFlight = new Map<number, string>();
  #nextPacketId = 1;
  #isAttached = false;

  constructor(connection: MqttConnection) {
    this.#connection = connection;
  }

  get connection(): number {
    return this.#connection.id;
  }

  get protocol(): HubProtocol {
    return this.#connection.protocol;
  }

  get isReady(): boolean {
    return !this.#connection.isGone && this.#connection.isSubscribed("commands");
  }

  /** Takes messages from now on, if the client has subscribed to them. */
  start(): void {
    if (this.#isAttached || !this.isReady) return;
    this.#isAttached = true;
    this.#connection.identity.queue?.attach(this);
  }

  /** Takes no more messages; those without a PUBACK come back to the queue. */
  stop(): void {
    if (!this.#isAttached) return;
    this.#isAttached = false;
    this.#inFlight.clear();
    this.#connection.identity.queue?.detach(this);
  }

  deliver({ command, lockToken }: CommandDelivery): void {
    const { hub, identity } = this.#connection;
    const qos = this.#connection.grantedTo("commands") ?? 0;
    const root = `${rootOf(identity)}/messages/devicebound`;
    const bag = formatPropertyBag({
      systemProperties: systemProperties(command, `/${root}`),
      properties: { ...command.properties, ...(command.ack === "none" ? {} : { "iothub-ack": command.ack }) },
    });
    const messageId = this.#packetId();
    if (qos === 1) this.#inFlight.set(messageId, lockToken);
    const send = (payload: Buffer | string, topic = `${root}/${bag}`): void => {
      this.#connection.send({
        cmd: "publish",
        qos,
        dup: qos === 1 && command.deliveryCount > 1,
        retain: false,
        messageId,
        topic,
        payload,
      });
    };
    const fault = hub.fault("deliver", identity.key);
    push(
      this.#connection,
      fault?.kind === "refuse" ? undefined : fault,
      () => {
        send(command.body);
      },
      (what) => {
        if (what === "topic") send(command.body, root);
        else send(what === "empty" ? "" : "not what was sent");
      },
    );
    // Quality of service 0 knows no acknowledgement: sent is done.
    if (qos === 0) this.#settle(lockToken);
  }

  /** A PUBACK packet has arrived. MQTT 3.4. */
  acknowledged(messageId: number): void {
    const lockToken = this.#inFlight.get(messageId);
    if (lockToken === undefined) return;
    const { hub, identity } = this.#connection;
    performStep(hub, hub.fault("settle", identity.key), {
      act: () => {
        this.#inFlight.delete(messageId);
        this.#settle(lockToken);
      },
      answer: () => undefined,
      refuse: () => undefined,
      suffer: (fault) => {
        this.#connection.suffer(fault);
      },
    });
  }

  #settle(lockToken: string): void {
    try {
      this.#connection.identity.queue?.settle(lockToken, "completed");
    } catch (error) {
      // The lock ran out meanwhile: the message is delivered again.
      if (!(error instanceof HubFailure)) throw error;
    }
  }

  #packetId(): number {
    const id = this.#nextPacketId;
    this.#nextPacketId = id === 65_535 ? 1 : id + 1;
    return id;
  }
}
