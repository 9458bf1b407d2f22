import mqttPacket, { type Packet } from "mqtt-packet";
import type { DropKind } from "../../faults/socket-faults.ts";
import type { Wire } from "../../sockets/wire.ts";
import { takenOverOnMqtt } from "../diagnostic-log.ts";
import type { HubConnectionFault } from "../faults.ts";
import type { Hub, LiveConnection } from "../hub.ts";
import { hubErrors, type HubError } from "../hub-error.ts";
import type { Identity } from "../identity.ts";
import type { HubConnectionEntry, HubProtocol } from "../journal-entries.ts";
import type { DeviceConnection, MethodCall } from "../presence.ts";
import type { JsonObject } from "../twin.ts";
import { CommandChannel } from "./commands.ts";
import { connect } from "./connect.ts";
import { sendDesired } from "./desired.ts";
import { sendMethodCall } from "./methods.ts";
import { ping } from "./ping.ts";
import { publish } from "./publish.ts";
import { MqttSession } from "./session.ts";
import { subscribe, unsubscribe } from "./subscribe.ts";
import { featureOf, type Feature } from "./topics.ts";
import { sendWill, type Will } from "./will.ts";

/** Who is at the other end, once it has been let in. */
export interface MqttPeer {
  readonly identity: Identity;
  readonly session: MqttSession;
  readonly will: Will | undefined;
}

/** One MQTT connection of a device, from the accepted socket to its end. MQTT 3.1.1. */
export class MqttConnection implements DeviceConnection, LiveConnection {
  readonly id: number;
  readonly hub: Hub;
  readonly protocol: HubProtocol;
  readonly entry: HubConnectionEntry;
  /** Fingerprints of the client's certificate. */
  readonly thumbprints: readonly string[];
  readonly commands = new CommandChannel(this);
  readonly #wire: Wire;
  readonly #whenOpened: () => void;
  readonly #ends: (() => void)[] = [];
  #peer: MqttPeer | undefined;
  #hasConnect = false;
  #gone = false;
  #lastPacketAt = 0;
  #cancelKeepAlive = (): void => undefined;

  constructor(hub: Hub, wire: Wire, thumbprints: readonly string[], whenOpened: () => void) {
    this.id = hub.nextConnectionId();
    this.hub = hub;
    this.protocol = wire.transport === "wss" || wire.transport === "ws" ? "mqtt-ws" : "mqtt";
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
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on("packet", (packet) => {
      this.#received(packet);
    });
    parser.on("error", () => {
      this.drop("fin", "protocol error");
    });
    wire.on("data", (bytes) => {
      if (!this.#gone) parser.parse(bytes);
    });
    wire.on("end", () => {
      this.#ended("lost");
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

  /** @throws Error before the client has been let in */
  get identity(): Identity {
    if (this.#peer === undefined) throw new Error("MqttConnection: the client has not been let in");
    return this.#peer.identity;
  }

  get session(): MqttSession {
    return this.#peer?.session ?? new MqttSession();
  }

  get takesMethods(): boolean {
    return this.isSubscribed("methods");
  }

  get takesDesired(): boolean {
    return this.isSubscribed("desired");
  }

  /** Whether the client has subscribed to what carries this. */
  isSubscribed(feature: Feature): boolean {
    return this.grantedTo(feature) !== undefined;
  }

  /** The quality of service of the client's subscription to what carries this; undefined without one. */
  grantedTo(feature: Feature): 0 | 1 | undefined {
    if (this.#gone || this.#peer === undefined) return undefined;
    const { identity, session } = this.#peer;
    for (const [filter, qos] of session.subscriptions) {
      if (featureOf(filter, identity) === feature) return qos;
    }
    return undefined;
  }

  send(packet: Packet): void {
    if (!this.#gone) this.#wire.write(mqttPacket.generate(packet));
  }

  /** The client has been let in. */
  opened(peer: MqttPeer, keepAliveSeconds: number): void {
    this.#peer = peer;
    this.entry.openedAt = this.hub.clock.now();
    this.#keepAlive(keepAliveSeconds * 1_500);
    this.#whenOpened();
  }

  /** Does something later, unless the connection has ended by then. */
  after(ms: number, action: () => void): void {
    const cancel = this.hub.timers.after(ms, () => {
      if (!this.#gone) action();
    });
    this.#ends.push(cancel);
  }

  sendMethod(call: MethodCall): void {
    sendMethodCall(this, call);
  }

  pushDesired(patch: JsonObject): void {
    sendDesired(this, patch);
  }

  /** MQTT 3.1.1 has no way to say why: the hub just closes the socket, and writes the reason into its logs. */
  close(error: HubError): void {
    if (this.#gone) return;
    const logged = error.code === hubErrors.takenOver.code ? takenOverOnMqtt : error;
    if (this.#peer !== undefined) {
      this.hub.writeLog("Connections", "deviceDisconnect", this.#peer.identity.key, logged);
    }
    this.drop("fin", logged.name);
  }

  drop(how: DropKind, because: string): void {
    if (this.#gone) return;
    this.#wire.drop(how);
    this.#ended(because);
  }

  goSilent(): void {
    this.#wire.goSilent();
  }

  /** Carries out a fault that ends the connection. */
  suffer(fault: HubConnectionFault): void {
    if (fault.kind === "drop-connection") this.drop(fault.how, "scripted fault");
    else this.drop("fin", fault.condition);
  }

  inject(operation: string, reason: string): boolean {
    if (operation !== "KillTcp" && operation !== "ShutDownMqtt") return false;
    this.drop(operation === "KillTcp" ? "reset" : "fin", reason === "" ? operation : reason);
    return true;
  }

  #received(packet: Packet): void {
    if (this.#gone) return;
    this.#lastPacketAt = this.hub.clock.now();
    if (packet.cmd === "connect") {
      // MQTT 3.1.0-2: a second CONNECT is a violation.
      if (this.#hasConnect) this.drop("fin", "protocol error");
      else {
        this.#hasConnect = true;
        connect(this, packet);
      }
    } else if (this.#peer === undefined) {
      // MQTT 3.1.0-1; also what a client sends too early while its CONNACK is held back.
      if (!this.#hasConnect) this.drop("fin", "protocol error");
    } else {
      this.#dispatch(packet);
    }
  }

  #dispatch(packet: Packet): void {
    switch (packet.cmd) {
      case "publish":
        publish(this, packet);
        break;
      case "puback":
        this.commands.acknowledged(packet.messageId ?? 0);
        break;
      case "subscribe":
        subscribe(this, packet);
        break;
      case "unsubscribe":
        unsubscribe(this, packet);
        break;
      case "pingreq":
        ping(this);
        break;
      case "disconnect":
        this.#ended("client");
        this.#wire.end();
        break;
      default:
        // QoS 2 and MQTT 5 are not spoken here.
        this.drop("fin", "protocol error");
    }
  }

  /** MQTT 3.1.2-24: after one and a half times the keep-alive without a packet the connection is closed. */
  #keepAlive(patienceMs: number): void {
    if (patienceMs <= 0 || this.#gone) return;
    const quietMs = this.hub.clock.now() - this.#lastPacketAt;
    if (quietMs >= patienceMs) {
      this.close(hubErrors.closedRemotely);
      return;
    }
    this.#cancelKeepAlive = this.hub.timers.after(patienceMs - quietMs, () => {
      this.#keepAlive(patienceMs);
    });
  }

  #ended(because: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#cancelKeepAlive();
    for (const end of this.#ends) end();
    this.entry.closedAt = this.hub.clock.now();
    this.entry.closedBecause = because;
    this.hub.connections.delete(this);
    this.commands.stop();
    if (this.#peer === undefined) return;
    const { identity, will } = this.#peer;
    identity.connectionStateChangedAt = this.hub.clock.wallNow();
    if (because !== "client" && will !== undefined) sendWill(this, will);
    if (because === "lost") {
      this.hub.writeLog("Connections", "deviceDisconnect", identity.key, hubErrors.closedRemotely);
    } else if (because === "client") {
      this.hub.writeLog("Connections", "deviceDisconnect", identity.key);
    }
    this.hub.presence.leave(this);
  }
}
