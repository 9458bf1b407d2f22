import type { DropKind } from "../../faults/socket-faults.ts";
import {
  acceptConnection,
  holdAnswer,
  releaseAnswer,
  type Connection,
  type Link,
  type LinkContext,
  type SaslExchange,
  type Session,
} from "../../service-bus/amqp-engine.ts";
import {
  flushDispositions,
  forgiveLateFrames,
  prepareSession,
  stopHeartbeats,
} from "../../service-bus/amqp-repairs.ts";
import type { AmqpError } from "../../service-bus/conditions.ts";
import type { Wire } from "../../sockets/wire.ts";
import type { HubConnectionFault } from "../faults.ts";
import type { Hub, LiveConnection } from "../hub.ts";
import { hubErrors } from "../hub-error.ts";
import type { Identity } from "../identity.ts";
import type { HubConnectionEntry, HubProtocol, HubSubscriptionEntry } from "../journal-entries.ts";
import { attach } from "./attach.ts";
import { AmqpDevice } from "./device.ts";
import type { HubLink } from "./link.ts";

const anonymous = (): SaslExchange => ({
  outcome: undefined,
  username: undefined,
  start() {
    this.outcome = true;
  },
});

/** One AMQP connection of devices or of a service, from the accepted socket to its end. AMQP 2.4. */
export class AmqpConnection implements LiveConnection {
  readonly id: number;
  readonly hub: Hub;
  readonly protocol: HubProtocol;
  readonly entry: HubConnectionEntry;
  readonly thumbprints: readonly string[];
  readonly engine: Connection;
  readonly links = new Set<HubLink>();
  /** Devices that have links here, by key. */
  readonly devices = new Map<string, AmqpDevice>();
  /** Who has shown a token, and until when it holds (Unix milliseconds). The empty key is the service. */
  readonly grants = new Map<string, number>();
  readonly #wire: Wire;
  readonly #whenOpened: () => void;
  #gone = false;
  #sessions: Session[] = [];

  constructor(hub: Hub, wire: Wire, thumbprints: readonly string[], whenOpened: () => void) {
    this.id = hub.nextConnectionId();
    this.hub = hub;
    this.protocol = wire.transport === "wss" || wire.transport === "ws" ? "amqp-ws" : "amqp";
    this.thumbprints = thumbprints;
    this.#wire = wire;
    this.#whenOpened = whenOpened;
    this.entry = hub.ledgers.connections.add({
      at: hub.clock.now(),
      connection: this.id,
      protocol: this.protocol,
      peer: wire.peer,
    });
    hub.connections.add(this);
    const mechanisms = { ANONYMOUS: anonymous, MSSBCBS: anonymous, EXTERNAL: anonymous };
    this.engine = acceptConnection(wire, "simulated-iot-hub", mechanisms, (engine) => {
      this.#listen(engine);
    });
    wire.on("error", () => undefined);
    wire.on("close", () => {
      this.#ended("lost");
    });
  }

  /** True once the connection has ended; nothing can be sent on it. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** Does something later, unless the connection has ended by then. */
  after(ms: number, action: () => void): void {
    this.hub.timers.after(ms, () => {
      if (!this.#gone) action();
    });
  }

  /** The device on this connection; a former connection of it ends. */
  device(identity: Identity): AmqpDevice {
    const known = this.devices.get(identity.key);
    if (known !== undefined) return known;
    const device = new AmqpDevice(this, identity);
    this.devices.set(identity.key, device);
    this.entry.device ??= identity.key;
    identity.lastActivityAt = this.hub.clock.wallNow();
    identity.connectionStateChangedAt = identity.lastActivityAt;
    this.hub.presence.arrive(device)?.close(hubErrors.takenOver);
    this.hub.writeLog("Connections", "deviceConnect", identity.key);
    return device;
  }

  journalLink(
    topic: string,
    device: string | undefined,
    outcome: HubSubscriptionEntry["outcome"],
    condition?: string,
  ): void {
    this.hub.ledgers.subscriptions.add({
      at: this.hub.clock.now(),
      device: device ?? "",
      connection: this.id,
      topic,
      qos: 1,
      outcome,
      ...(condition === undefined ? {} : { condition }),
    });
  }

  drop(how: DropKind, because: string): void {
    // What the journal says was written leaves before an orderly end; a reset may overtake it.
    if (how === "fin") this.engine._process();
    this.#wire.drop(how);
    this.#ended(because);
  }

  goSilent(): void {
    this.#wire.goSilent();
  }

  /** Closes the connection, with an error or without. AMQP 2.4.3. */
  close(error: AmqpError | undefined, because: string): void {
    if (this.#gone) return;
    this.entry.closedBecause ??= because;
    for (const link of [...this.links]) link.end(error?.condition);
    this.engine.close(error);
  }

  /** Ends every session with an error. AMQP 2.5.5. */
  endSessions(error: AmqpError): void {
    for (const session of this.#sessions) {
      for (const link of [...this.links]) if (link.engine.session === session) link.end(error.condition);
      session.end(error);
    }
    this.#sessions = [];
  }

  /** Carries out a fault that breaks the connection, or one link. */
  suffer(fault: HubConnectionFault, link?: HubLink): void {
    if (fault.kind === "drop-connection") this.drop(fault.how, "scripted fault");
    else {
      const { condition, description } = fault;
      if (fault.kind === "detach" && link !== undefined) link.detach({ condition, description });
      else this.close({ condition, description }, condition);
    }
  }

  #linkOf(engine: Link): HubLink | undefined {
    for (const link of this.links) if (link.engine === engine) return link;
    return undefined;
  }

  #listen(engine: Connection): void {
    forgiveLateFrames(engine);
    engine.on("connection_open", () => {
      this.#opened();
    });
    engine.on("session_open", ({ session }: LinkContext) => {
      prepareSession(session);
      this.#sessions.push(session);
    });
    for (const event of ["sender_open", "receiver_open"]) {
      engine.on(event, (context: LinkContext) => {
        attach(this, context);
      });
    }
    for (const event of ["sender_close", "receiver_close"]) {
      engine.on(event, (context: LinkContext) => {
        flushDispositions(engine);
        const link = context.sender ?? context.receiver;
        if (link === undefined) return;
        const known = this.#linkOf(link);
        if (known === undefined) return;
        known.end();
        link.close();
        process.nextTick(() => {
          link.remove();
        });
      });
    }
    engine.on("session_close", ({ session }: LinkContext) => {
      flushDispositions(engine);
      for (const link of [...this.links]) if (link.engine.session === session) link.end();
    });
    // Errors that the peer reports are followed by the close of what they concern; rhea asks for a listener each.
    for (const event of ["sender_error", "receiver_error", "session_error", "connection_error"]) {
      engine.on(event, () => undefined);
    }
    engine.on("connection_close", () => {
      flushDispositions(engine);
      this.entry.closedBecause ??= "client";
      for (const link of [...this.links]) link.end();
    });
    engine.on("disconnected", () => {
      this.#ended("lost");
    });
    for (const event of ["protocol_error", "error"]) {
      engine.on(event, (error: Error) => {
        const description = `${error.name}: ${error.message}`;
        this.close({ condition: "amqp:connection:framing-error", description }, "protocol error");
        engine._process();
      });
    }
  }

  #opened(): void {
    this.entry.openedAt = this.hub.clock.now();
    this.#whenOpened();
    const fault = this.hub.fault("open");
    if (fault === undefined) return;
    if (fault.kind === "delay" || fault.kind === "lose-acknowledgement") {
      holdAnswer(this.engine);
      if (fault.kind === "delay") {
        this.after(fault.ms, () => {
          releaseAnswer(this.engine, this.engine);
        });
      }
    } else {
      this.suffer(fault);
    }
  }

  #ended(because: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.entry.closedAt = this.hub.clock.now();
    this.entry.closedBecause ??= because;
    this.hub.connections.delete(this);
    for (const device of this.devices.values()) {
      if (this.entry.closedBecause === "lost") {
        this.hub.writeLog("Connections", "deviceDisconnect", device.identity.key, hubErrors.closedRemotely);
      }
    }
    for (const link of [...this.links]) link.end();
    for (const device of [...this.devices.values()]) device.left();
    // rhea hears of the end of a socket only when the peer ends it; its heartbeat timers must end in any case.
    this.engine._disconnected();
    stopHeartbeats(this.engine);
    this.engine.socket_ready = false;
  }
}
