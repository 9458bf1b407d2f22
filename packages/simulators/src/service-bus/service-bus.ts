import type { Socket } from "node:net";
import type { FaultScript } from "../faults/fault-script.ts";
import type { DropKind } from "../faults/socket-faults.ts";
import { makeCertificate, type Certificate } from "../sockets/certificate.ts";
import { Listener } from "../sockets/listener.ts";
import { started } from "../sockets/started.ts";
import { overTcp, overTls, overWebSocket, type Upgrade, type WebServer } from "../sockets/transports.ts";
import type { Transport } from "../sockets/wire.ts";
import { adminServer, isHttp } from "./admin/server.ts";
import { Broker } from "./broker.ts";
import { conditions, type AmqpError } from "./conditions.ts";
import { BrokerConnection } from "./connection.ts";
import type { TlsEndpoint, WebSocketEndpoint } from "./endpoints.ts";
import type { ServiceBusFaults } from "./faults.ts";
import { Journal } from "./journal.ts";
import { serviceBusSettings, type ServiceBusOptions } from "./options.ts";
import { QueueControl } from "./queue-control.ts";
import { TopicControl } from "./topic-control.ts";
import { texts, trackedError } from "./texts.ts";

const HOST = "127.0.0.1";

/** The path and the subprotocol of AMQP over WebSocket, as the service and its clients use them. */
const WEB_SOCKET_PATH = "/$servicebus/websocket";
const WEB_SOCKET_PROTOCOL = "AMQPWSB10";

interface Endpoint {
  readonly listener: Listener;
  readonly upgrade: Upgrade;
}

/** A simulated Service Bus namespace. Start one with {@link serviceBus}. */
export class ServiceBusSimulator {
  /** What goes wrong, where and when. */
  readonly faults: FaultScript<ServiceBusFaults>;
  /** What the service saw and did. */
  readonly journal: Journal;
  readonly #broker: Broker;
  readonly #endpoints: Partial<Record<Transport | "https", Endpoint>> = {};
  readonly #certificate: Certificate | undefined;
  readonly #web: WebServer;
  #closed = false;
  #interruptOutage = (): void => undefined;

  /** @internal Use {@link serviceBus}. */
  constructor(broker: Broker, certificate: Certificate | undefined) {
    const { settings } = broker;
    this.#broker = broker;
    this.#certificate = certificate;
    this.faults = broker.faults;
    this.journal = new Journal(broker.ledgers);
    this.#web = {
      accepts: isHttp,
      server: adminServer(broker),
      webSocket: { path: WEB_SOCKET_PATH, subprotocol: WEB_SOCKET_PROTOCOL },
    };
    this.#endpoints.tcp = this.#endpoint("tcp", settings.port, overTcp(this.#web));
    if (certificate !== undefined) {
      this.#endpoints.tls = this.#endpoint("tls", settings.tlsPort, overTls(certificate, this.#web));
      if (settings.httpsPort !== undefined) {
        this.#endpoints.https = this.#endpoint("wss", settings.httpsPort, overTls(certificate, this.#web));
      }
    }
    if (settings.webSocket) {
      this.#endpoints.ws = this.#endpoint("ws", 0, overWebSocket(WEB_SOCKET_PATH, WEB_SOCKET_PROTOCOL));
      if (certificate !== undefined) {
        this.#endpoints.wss = this.#endpoint(
          "wss",
          0,
          overWebSocket(WEB_SOCKET_PATH, WEB_SOCKET_PROTOCOL, certificate),
        );
      }
    }
  }

  /** The port of plain TCP on 127.0.0.1. It stays the same over {@link stop} and {@link start}. */
  get port(): number {
    return this.#endpoints.tcp?.listener.port ?? 0;
  }

  /** `127.0.0.1:port` of plain TCP. */
  get host(): string {
    return `${HOST}:${String(this.port)}`;
  }

  /** For the official clients: plain TCP, with the first key of the options. */
  get connectionString(): string {
    return `${this.connectionStringFor()};UseDevelopmentEmulator=true`;
  }

  /** TLS; undefined unless the simulator was started with `tls`. */
  get tls(): TlsEndpoint | undefined {
    const port = this.#endpoints.tls?.listener.port;
    if (port === undefined || this.#certificate === undefined) return undefined;
    const endpoint = `sb://localhost:${String(port)}`;
    const httpsPort = this.#endpoints.https?.listener.port;
    return {
      port,
      ...(httpsPort === undefined ? {} : { httpsPort }),
      ca: this.#certificate.cert,
      connectionString: this.connectionStringFor(undefined, endpoint),
    };
  }

  /** WebSocket; undefined unless the simulator was started with `webSocket`. */
  get webSocket(): WebSocketEndpoint | undefined {
    const plain = this.#endpoints.ws?.listener.port;
    if (plain === undefined) return undefined;
    const secure = this.#endpoints.wss?.listener.port;
    const at = (scheme: string, host: string, port: number): string => `${scheme}://${host}:${String(port)}`;
    return {
      port: plain,
      url: `${at("ws", HOST, plain)}${WEB_SOCKET_PATH}`,
      subprotocol: WEB_SOCKET_PROTOCOL,
      endpoint: `${at("https", HOST, plain)}/`,
      ...(secure === undefined || this.#certificate === undefined
        ? {}
        : {
            secure: {
              port: secure,
              url: `${at("wss", "localhost", secure)}${WEB_SOCKET_PATH}`,
              endpoint: `${at("https", "localhost", secure)}/`,
              ca: this.#certificate.cert,
            },
          }),
    };
  }

  /**
   * A connection string with a key of the options by name, without the emulator flag.
   * @param endpoint - default `sb://127.0.0.1:port`
   */
  connectionStringFor(keyName?: string, endpoint = `sb://${this.host}`): string {
    const { keys } = this.#broker.settings;
    const key = keyName === undefined ? keys[0] : keys.find((candidate) => candidate.name === keyName);
    if (key === undefined) throw new RangeError(`connectionStringFor: there is no key "${keyName ?? ""}"`);
    return `Endpoint=${endpoint};SharedAccessKeyName=${key.name};SharedAccessKey=${key.key}`;
  }

  /** A queue to look into and to change while the simulator runs; `orders/$DeadLetterQueue` and a subscription are too. */
  queue(path: string): QueueControl {
    const queue = this.#broker.queue(path);
    if (queue === undefined) throw new RangeError(`queue: there is no queue "${path}"`);
    return new QueueControl(this.#broker, queue);
  }

  /** A subscription's queue, to look into and to change while the simulator runs. */
  subscription(topic: string, name: string): QueueControl {
    return this.queue(`${topic}/Subscriptions/${name}`);
  }

  /** A topic to look into and to change while the simulator runs. */
  topic(path: string): TopicControl {
    const topic = this.#broker.node(path)?.topic;
    if (topic === undefined) throw new RangeError(`topic: there is no topic "${path}"`);
    return new TopicControl(this.#broker, topic);
  }

  /** Stops listening and destroys every live socket: connections are refused. Messages, locks and journal stay. */
  async stop(): Promise<void> {
    await Promise.all(Object.values(this.#endpoints).map(({ listener }) => listener.close()));
    for (const connection of [...this.#broker.connections]) connection.drop("reset");
  }

  /** Listens again, on the same ports. Harmless when it does already. */
  async start(): Promise<void> {
    if (this.#closed) throw new Error("ServiceBusSimulator: it is closed and cannot start again");
    await Promise.all(Object.values(this.#endpoints).map(({ listener }) => listener.open()));
    this.#broker.host = this.host;
  }

  /** Stops, waits and starts again with all its state: an outage. @param downMs - default 0 */
  async restart({ downMs = 0 }: { downMs?: number } = {}): Promise<void> {
    await this.stop();
    await new Promise<void>((resolve) => {
      const cancel = this.#broker.clock.after(downMs, resolve);
      this.#interruptOutage = () => {
        cancel();
        resolve();
      };
    });
    if (!this.#closed) await this.start();
  }

  /**
   * Refuses further connections; the live ones stay. {@link start} ends it.
   *
   * @param transport - only the port of this one: a firewall that closes 5671 leaves 443 open. Default: all.
   */
  async refuseConnections({ transport }: { transport?: Transport } = {}): Promise<void> {
    const all = Object.entries(this.#endpoints).filter(
      ([name]) => transport === undefined || (name === "https" ? "wss" : name) === transport,
    );
    await Promise.all(all.map(([, { listener }]) => listener.refuse()));
  }

  /** Drops every live connection below AMQP. @param how - default `reset` */
  dropConnections({ how = "reset" }: { how?: DropKind } = {}): void {
    for (const connection of [...this.#broker.connections]) connection.drop(how);
  }

  /** Closes every live connection with an AMQP error. @param condition - default `amqp:connection:forced` */
  closeConnections(
    condition: string = conditions.connectionForced,
    description: string = texts.connectionForced,
  ): void {
    for (const connection of [...this.#broker.connections]) {
      connection.close(trackedError(condition, description, this.#broker.tracking()));
    }
  }

  /** Half-opens every live connection: nothing is read, written or closed on it any more. */
  freeze(): void {
    for (const connection of [...this.#broker.connections]) connection.wire.goSilent();
  }

  /** Detaches every live link of an entity with an error. @param condition - default `amqp:link:detach-forced` */
  detachLinks(entity: string, condition: string = conditions.detachForced, description?: string): void {
    const wanted = this.#broker.entityName(entity).toLowerCase();
    for (const connection of [...this.#broker.connections]) {
      for (const link of [...connection.links]) {
        if (link.entity.toLowerCase() !== wanted) continue;
        const error: AmqpError = trackedError(
          condition,
          description ?? texts.idleTimeout(link.engine.name),
          this.#broker.tracking(link.entity),
        );
        link.detach(error);
      }
    }
  }

  /** Ends everything: sockets, listeners, timers. A process can exit by itself afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#interruptOutage();
    await this.stop();
    this.#broker.timers.cancelAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #endpoint(transport: Transport, port: number, upgrade: Upgrade): Endpoint {
    const listener = new Listener(HOST, port, (socket) => {
      this.#accepted(socket, transport, upgrade);
    });
    return { listener, upgrade };
  }

  #accepted(socket: Socket, transport: Transport, upgrade: Upgrade): void {
    const fault = this.#broker.fault("connect", undefined, transport);
    // A black hole: nobody reads; the kernel accepts what fits into its buffers.
    if (fault?.kind === "black-hole") return;
    if (fault?.kind === "reset-connection") {
      socket.resetAndDestroy();
      return;
    }
    if (fault?.kind === "accept-then-close") {
      socket.destroySoon();
      return;
    }
    upgrade(socket, (wire) => {
      const connection: BrokerConnection = new BrokerConnection(this.#broker, wire, () => {
        if (fault === undefined) return;
        this.#broker.timers.after(fault.afterMs, () => {
          connection.wire.goSilent();
        });
      });
    });
  }
}

/**
 * Starts a simulated Service Bus namespace on real sockets of 127.0.0.1.
 * @throws TypeError or RangeError, naming the option, its value and what is allowed
 */
export async function serviceBus(options: ServiceBusOptions = {}): Promise<ServiceBusSimulator> {
  const settings = serviceBusSettings(options);
  const certificate = settings.tls ? await makeCertificate() : undefined;
  return started(new ServiceBusSimulator(new Broker(settings), certificate));
}
