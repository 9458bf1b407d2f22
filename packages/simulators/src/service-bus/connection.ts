import type { DropKind } from "../faults/socket-faults.ts";
import type { Wire } from "../sockets/wire.ts";
import {
  acceptConnection,
  holdAnswer,
  releaseAnswer,
  type Connection,
  type Link,
  type LinkContext,
} from "./amqp-engine.ts";
import { flushDispositions, prepareSession, stopHeartbeats } from "./amqp-repairs.ts";
import { attach } from "./attach.ts";
import type { Broker } from "./broker.ts";
import { ConnectionClaims } from "./claims.ts";
import { conditions, type AmqpError } from "./conditions.ts";
import { clientDetached } from "./detach.ts";
import type { ConnectionFault } from "./faults.ts";
import type { ConnectionEntry } from "./journal-entries.ts";
import type { BrokerLink } from "./link.ts";
import { saslMechanisms } from "./sasl.ts";
import { texts, trackedError } from "./texts.ts";

/** One AMQP connection of a client, from the accepted socket to its end. AMQP 2.4. */
export class BrokerConnection {
  readonly id: number;
  readonly broker: Broker;
  readonly wire: Wire;
  readonly claims: ConnectionClaims;
  readonly entry: ConnectionEntry;
  readonly links = new Set<BrokerLink>();
  readonly engine: Connection;
  readonly #whenOpened: () => void;
  #cancelIdleWatch: () => void = () => undefined;
  #gone = false;

  /** @param whenOpened - called when the client has opened the connection */
  constructor(broker: Broker, wire: Wire, whenOpened: () => void = () => undefined) {
    this.id = broker.nextConnectionId();
    this.broker = broker;
    this.wire = wire;
    this.#whenOpened = whenOpened;
    this.claims = new ConnectionClaims(broker.settings.maxTokensPerConnection);
    this.entry = broker.ledgers.connections.add({
      at: broker.clock.now(),
      connection: this.id,
      transport: wire.transport,
      peer: wire.peer,
    });
    broker.connections.add(this);
    this.engine = acceptConnection(wire, broker.containerId, saslMechanisms(this), (engine) => {
      this.#listen(engine);
    });
    wire.on("close", () => {
      this.#ended();
    });
  }

  /** True once the connection has ended; nothing can be sent on it. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** A link has been attached. */
  add(link: BrokerLink): void {
    this.links.add(link);
    if (link.role !== undefined) this.#cancelIdleWatch();
  }

  /** A link has ended. */
  remove(link: BrokerLink): void {
    this.links.delete(link);
    this.#watchIdleness();
  }

  /** Does something later, unless the connection has ended by then. */
  after(ms: number, action: () => void): void {
    this.broker.timers.after(ms, () => {
      if (!this.#gone) action();
    });
  }

  /** Drops the socket without a word of AMQP. */
  drop(how: DropKind): void {
    // What the journal says was written leaves before an orderly end; a reset may overtake it, as in any network.
    if (how === "fin") this.engine._process();
    this.wire.drop(how);
    this.#ended();
  }

  /** Closes the connection with an error. AMQP 2.4.3. */
  close(error: AmqpError): void {
    if (this.#gone) return;
    for (const link of [...this.links]) link.end("connection");
    this.engine.close(error);
  }

  /** Detaches the links whose right has run out, as the service does when a token was not renewed in time. */
  detachUnauthorized(expiredAt: number): void {
    // A timer may fire a fraction of a millisecond before the wall clock says so, and there is no second one.
    const now = Math.max(this.broker.clock.wallNow(), expiredAt);
    for (const link of [...this.links]) {
      const { right, entity } = link;
      if (right === undefined || this.claims.allows(right.claim, right.path, now)) continue;
      const text = texts.tokenExpired(expiredAt);
      link.detach(trackedError(conditions.unauthorized, text, this.broker.tracking(entity)));
    }
  }

  /** Carries out a fault that ends the connection. */
  suffer(fault: ConnectionFault): void {
    if (fault.kind === "drop-connection") this.drop(fault.how);
    else {
      const { condition = conditions.connectionForced, description = texts.connectionForced } = fault;
      this.close(trackedError(condition, description, this.broker.tracking()));
    }
  }

  /** Writes what waits for the end of the turn. */
  flush(): void {
    this.engine._process();
    this.wire.flush();
  }

  /** The broker's link on an endpoint of the engine. */
  linkOf(engine: Link): BrokerLink | undefined {
    for (const link of this.links) if (link.engine === engine) return link;
    return undefined;
  }

  #listen(engine: Connection): void {
    engine.on("connection_open", () => {
      this.#opened();
    });
    engine.on("session_open", ({ session }: LinkContext) => {
      prepareSession(session);
      const announced = Object.keys(engine.local_channel_map).length;
      if (announced > 5_000) {
        // AMQP 2.7.1: a begin beyond channel-max is a framing error.
        this.close({
          condition: conditions.framingError,
          description: "The channel-max of 4999 was exceeded.",
        });
      }
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
        if (link !== undefined) clientDetached(this, link);
      });
    }
    engine.on("session_close", ({ session }: LinkContext) => {
      flushDispositions(engine);
      for (const link of [...this.links]) if (link.engine.session === session) link.end("client");
    });
    // Errors that the peer reports are followed by the close of what they concern; rhea asks for a listener each.
    for (const event of ["sender_error", "receiver_error", "session_error", "connection_error"]) {
      engine.on(event, () => undefined);
    }
    engine.on("connection_close", () => {
      flushDispositions(engine);
      for (const link of [...this.links]) link.end("connection");
    });
    engine.on("disconnected", () => {
      this.#ended();
    });
    for (const event of ["protocol_error", "error"]) {
      engine.on(event, (error: Error) => {
        // The client has broken the protocol. rhea ends the socket after this event, so the close is written now.
        // Anything but rhea's own complaints is a fault of the simulator, and says so.
        const isProtocol = error.name === "ProtocolError" || error.constructor === Error;
        const condition = isProtocol ? conditions.framingError : conditions.internalError;
        this.close({ condition, description: `${error.name}: ${error.message}` });
        engine._process();
      });
    }
  }

  #opened(): void {
    const { open } = this.engine.remote;
    this.entry.openedAt = this.broker.clock.now();
    if (open?.container_id != null) this.entry.containerId = open.container_id;
    if (open?.hostname != null) this.entry.hostname = open.hostname;
    if (open?.properties != null) this.entry.properties = open.properties;
    this.entry.saslMechanism ??= "none";
    this.#whenOpened();
    this.#watchIdleness();
    const fault = this.broker.fault("open");
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

  /** The service closes connections that have had no link to an entity for a while. */
  #watchIdleness(): void {
    const { idleConnectionTimeoutMs } = this.broker.settings;
    this.#cancelIdleWatch();
    if (idleConnectionTimeoutMs === Infinity || this.#gone) return;
    if ([...this.links].some(({ role }) => role !== undefined)) return;
    this.#cancelIdleWatch = this.broker.timers.after(idleConnectionTimeoutMs, () => {
      const text = texts.connectionInactive(idleConnectionTimeoutMs);
      this.close(trackedError(conditions.connectionForced, text, this.broker.tracking()));
    });
  }

  #ended(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.entry.closedAt = this.broker.clock.now();
    this.broker.connections.delete(this);
    this.#cancelIdleWatch();
    for (const link of [...this.links]) link.end("connection");
    // rhea hears of the end of a socket only when the peer ends it; its heartbeat timers must end in any case.
    this.engine._disconnected();
    stopHeartbeats(this.engine);
    this.engine.socket_ready = false;
  }
}
