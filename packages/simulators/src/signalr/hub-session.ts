import type { Connection } from "./connection.ts";
import { Dispatcher } from "./dispatcher.ts";
import { suffer } from "./connection-fault.ts";
import { errorText, named } from "./hub-error.ts";
import type { Hub } from "./hub.ts";
import type { EndedBy } from "./journal-entries.ts";
import { KeepAlive } from "./keep-alive.ts";
import { MessageBuffer } from "./message-buffer.ts";
import { journalMessage } from "./message-log.ts";
import { OrderedLane } from "./ordered-lane.ts";
import { handshakeAnswer, readHandshake } from "./protocol/handshake.ts";
import type { HubProtocol, MessageReader } from "./protocol/hub-protocol.ts";
import { isTracked, type CloseMessage, type HubMessage } from "./protocol/messages.ts";

const ACK_DELAY_MS = 1_000;
const CLOSED_WITH_ERROR = "Connection closed with an error.";

/** How a service looks at what passes through it. */
export interface SessionPolicy {
  /** Told of each outgoing message and its size; false when it must not be sent. */
  readonly sending?: (bytes: number) => boolean;
  /** Whether clients may call methods; without, one that does is disconnected. */
  readonly clientsMayInvoke: boolean;
}

/** The hub protocol on one connection: handshake, keep-alive, messages in both directions, close. */
export class HubSession {
  readonly hub: Hub;
  readonly connection: Connection;
  /** Known after the handshake. */
  protocol: HubProtocol | undefined;
  readonly #policy: SessionPolicy;
  readonly #dispatcher: Dispatcher;
  readonly #inbox: OrderedLane;
  readonly #outbox: OrderedLane;
  readonly #buffer: MessageBuffer | undefined;
  readonly #cancelHandshakeTimeout: () => void;
  #received = Buffer.alloc(0);
  #reader: MessageReader | undefined;
  /** Messages that came before the connected listeners were done. */
  #early: HubMessage[] | undefined = [];
  #closing = false;
  readonly #keepAlive: KeepAlive;
  #cancelAck: (() => void) | undefined;

  constructor(hub: Hub, connection: Connection, policy: SessionPolicy) {
    const { simulation, resumable } = connection.beginning;
    this.hub = hub;
    this.connection = connection;
    this.#policy = policy;
    this.#dispatcher = new Dispatcher(this);
    this.#inbox = new OrderedLane(simulation.timers);
    this.#outbox = new OrderedLane(simulation.timers);
    this.#buffer = resumable ? new MessageBuffer(simulation.settings.statefulBufferBytes) : undefined;
    this.#keepAlive = new KeepAlive(
      connection,
      () => this.#write({ type: 6 }),
      (text) => this.#fail(named("OperationCanceledException", text)),
    );
    this.#cancelHandshakeTimeout = simulation.timers.after(simulation.settings.handshakeTimeoutMs, () => {
      this.#refuse("Handshake was canceled.");
    });
    connection.onReceive = (bytes) => {
      this.#arrived(bytes);
    };
    connection.onSuspend = () => {
      this.#reader = this.protocol?.reader(this.#maxBytes);
    };
    connection.onResume = () => {
      this.#resumed();
    };
    connection.onEnd = () => {
      this.#ended();
    };
  }

  get #simulation(): Connection["beginning"]["simulation"] {
    return this.connection.beginning.simulation;
  }

  get #maxBytes(): number {
    return this.hub.options.maximumReceiveMessageSize ?? 32_768;
  }

  /** Sends a message. @param payload - the message in this session's protocol, when it is encoded already */
  send(message: HubMessage, payload?: string | Buffer): void {
    const { protocol } = this;
    if (protocol === undefined || this.connection.isEnded || this.#closing) return;
    const encoded = payload ?? protocol.write(message);
    this.#outbox.run(() => {
      this.#send(message, encoded);
    });
  }

  /** Calls a method at the client and waits for its result. */
  invokeClient(target: string, args: readonly unknown[]): Promise<unknown> {
    return this.#dispatcher.invokeClient(target, args);
  }

  /** Ends the connection with a message of type 7. */
  close(reason: Omit<CloseMessage, "type"> = {}, by: EndedBy = "server"): void {
    if (this.#closing || this.connection.isEnded) return;
    if (this.protocol !== undefined && by === "server") this.#write({ type: 7, ...reason });
    this.#closing = true;
    this.connection.end(by, reason.error);
  }

  #arrived(bytes: Buffer): void {
    this.#keepAlive.received();
    if (this.#reader === undefined) {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#handshake();
      return;
    }
    let messages: HubMessage[];
    try {
      messages = this.#reader.read(bytes);
    } catch (error) {
      this.#fail(error);
      return;
    }
    for (const message of messages) {
      this.#inbox.run(() => {
        this.#receive(message);
      });
    }
  }

  #handshake(): void {
    const handshake = readHandshake(this.#received, this.hub.options.protocols ?? ["json", "messagepack"]);
    if (handshake === undefined) return;
    this.#cancelHandshakeTimeout();
    const { protocol } = handshake;
    if ("error" in handshake) {
      this.#refuse(handshake.error);
      return;
    }
    const { rest } = handshake;
    const open = (): void => {
      this.protocol = protocol;
      if (this.connection.entry !== undefined && protocol !== undefined) {
        this.connection.entry.protocol = protocol.name;
        this.connection.entry.openedAt = this.#simulation.clock.now();
      }
      this.connection.send(protocol?.binary ? Buffer.from(handshakeAnswer()) : handshakeAnswer());
      this.#open(rest);
    };
    this.#reader = protocol?.reader(this.#maxBytes);
    const fault = this.#simulation.fault("handshake", this.hub.name);
    if (fault?.kind === "refuse-handshake") this.#refuse(fault.error);
    else
      suffer(fault, this.#inbox, this, (unanswered) => {
        if (!unanswered) open();
      });
  }

  #open(rest: Buffer): void {
    this.hub.opened(this);
    this.#keepAlive.start();
    const drain = (): void => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const message of early) this.#dispatch(message);
    };
    const { connected } = this.hub;
    if (connected.length === 0) drain();
    else {
      const call = this.#dispatcher.call();
      void (async () => {
        for (const listener of connected) await listener(call);
      })().then(drain, (error: unknown) => {
        this.#fail(error);
      });
    }
    if (rest.length > 0) this.#arrived(rest);
  }

  #receive(message: HubMessage): void {
    // What waited while its transport went away will be sent again, or by nobody.
    if (this.connection.transport === undefined || this.#closing) return;
    const arrival = this.#buffer !== undefined && isTracked(message) ? this.#buffer.receive() : "new";
    if (arrival === "unexpected") return;
    this.#journal("received", message, arrival === "repeated");
    if (isTracked(message) && this.#buffer !== undefined) this.#scheduleAck();
    if (arrival === "repeated") return;
    const fault = isTracked(message) ? this.#simulation.fault("receive", this.hub.name) : undefined;
    if (fault?.kind === "drop-connection" && !fault.carriedOut) this.#buffer?.unreceive();
    suffer(fault, this.#inbox, this, (unanswered) => {
      if (unanswered && "invocationId" in message) {
        this.#dispatcher.mute(message.invocationId);
      }
      if (this.#early === undefined || !isTracked(message)) this.#dispatch(message);
      else this.#early.push(message);
    });
  }

  #dispatch(message: HubMessage): void {
    switch (message.type) {
      case 6:
        return;
      case 7:
        this.close({}, "client");
        return;
      case 8:
        for (const kept of this.#buffer?.acknowledge(message.sequenceId) ?? []) {
          this.connection.send(kept.payload);
          this.#journal("sent", kept.message, false);
        }
        return;
      case 9:
        if (this.#buffer?.resetSequence(message.sequenceId) === false) this.#fail(undefined);
        return;
      default:
        if (this.#policy.clientsMayInvoke || message.type === 3) this.#dispatcher.dispatch(message);
        else this.close({ error: CLOSED_WITH_ERROR });
    }
  }

  #send(message: HubMessage, payload: string | Buffer): void {
    const tracked = isTracked(message);
    const fault = tracked ? this.#simulation.fault("send", this.hub.name) : undefined;
    const dropped = fault?.kind === "drop-connection" && !fault.carriedOut;
    // Not written, but kept to be sent again.
    if (dropped || fault?.kind === "cut-message") this.#buffer?.keep(message, payload);
    if (fault?.kind === "cut-message") {
      const { transport } = this.connection;
      transport?.sendHalf(payload);
      // A reset would take back what is still in the buffers.
      this.#simulation.timers.after(20, () => {
        this.connection.drop(fault.how);
      });
      this.#closing = this.#buffer === undefined;
      return;
    }
    suffer(fault, this.#outbox, this, (unanswered) => {
      if (unanswered && fault?.kind === "never-answer") return;
      if (tracked && this.#policy.sending?.(Buffer.byteLength(payload)) === false) return;
      this.#write(message, payload);
    });
  }

  #write(message: HubMessage, payload = this.protocol?.write(message)): void {
    if (payload === undefined) return;
    this.#keepAlive.sent();
    if (this.#buffer !== undefined && isTracked(message) && !this.#buffer.keep(message, payload)) return;
    this.connection.send(payload);
    this.#journal("sent", message, false);
  }

  #refuse(error: string): void {
    this.#cancelHandshakeTimeout();
    this.connection.send(handshakeAnswer(error));
    this.#closing = true;
    this.connection.end("server", error);
  }

  #fail(error: unknown): void {
    const detailed = this.hub.options.detailedErrors ?? false;
    this.close({
      error: error === undefined ? CLOSED_WITH_ERROR : errorText(CLOSED_WITH_ERROR, error, detailed),
    });
  }

  #resumed(): void {
    if (this.#buffer === undefined) return;
    const { sequenceId, messages } = this.#buffer.resume();
    this.#write({ type: 9, sequenceId });
    for (const { message, payload } of messages) {
      this.connection.send(payload);
      this.#journal("sent", message, true);
    }
  }

  #scheduleAck(): void {
    this.#cancelAck ??= this.#simulation.timers.after(ACK_DELAY_MS, () => {
      this.#cancelAck = undefined;
      this.#write({ type: 8, sequenceId: this.#buffer?.latestReceived ?? 0 });
    });
  }

  #ended(): void {
    this.#cancelHandshakeTimeout();
    this.#keepAlive.stop();
    this.#cancelAck?.();
    this.hub.ended(this);
    this.#dispatcher.end();
    // Whoever was never let in does not leave.
    if (this.#early !== undefined) return;
    const call = this.#dispatcher.call();
    void (async () => {
      for (const listener of this.hub.disconnected) await listener(call);
    })().catch(() => undefined);
  }

  #journal(direction: "received" | "sent", message: HubMessage, repeated: boolean): void {
    journalMessage(this.connection, direction, message, repeated);
  }
}
