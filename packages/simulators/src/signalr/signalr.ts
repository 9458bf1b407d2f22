import type { FaultScript } from "../faults/fault-script.ts";
import type { DropKind } from "../faults/socket-faults.ts";
import { makeCertificate, type Certificate } from "../sockets/certificate.ts";
import { started } from "../sockets/started.ts";
import { AppServer } from "./app-server.ts";
import type { SignalRFaults } from "./faults.ts";
import { Hub } from "./hub.ts";
import { Journal } from "./journal.ts";
import { signalRSettings, type HubOptions, type SignalROptions } from "./options.ts";
import { AzureService } from "./service.ts";
import { Simulation } from "./simulation.ts";

/** A simulated app server and a simulated Azure SignalR Service. Start them with {@link signalr}. */
export class SignalRSimulator {
  /** What goes wrong, where and when. */
  readonly faults: FaultScript<SignalRFaults>;
  /** What both servers saw and did. */
  readonly journal: Journal;
  /** Where clients negotiate, and self-hosted hubs. */
  readonly app: AppServer;
  /** Where the app server sends clients of hubs with hosting `azure`, and the REST API. */
  readonly service: AzureService;
  /** The certificate to trust, in PEM; undefined without `tls`. */
  readonly ca: string | undefined;
  readonly #simulation: Simulation;
  readonly #hubs = new Map<string, Hub>();
  readonly #paths = new Map<string, string>();
  #closed = false;
  #interruptOutage = (): void => undefined;

  /** @internal Use {@link signalr}. */
  constructor(simulation: Simulation, certificate: Certificate | undefined) {
    this.#simulation = simulation;
    this.faults = simulation.faults;
    this.journal = new Journal(simulation.ledgers);
    this.ca = certificate?.cert;
    this.service = new AzureService(simulation, (name) => this.#hubs.get(name.toLowerCase()), certificate);
    this.app = new AppServer(simulation, this.service, certificate);
    for (const hub of simulation.settings.hubs) this.#add(hub);
  }

  /** A hub of the options, to register methods at and to call its clients. */
  hub(name: string): Hub {
    const hub = this.#hubs.get(name.toLowerCase());
    if (hub === undefined) throw new RangeError(`hub: there is no hub "${name}"`);
    return hub;
  }

  /** Where a client of a hub begins: the address for `withUrl`. @param secure - over HTTPS; needs `tls` */
  url(hub: string, { secure = false }: { secure?: boolean } = {}): string {
    const path = this.#paths.get(this.hub(hub).name) ?? "";
    const origin = secure ? this.app.secureOrigin : this.app.origin;
    if (origin === undefined) throw new RangeError("url: secure needs the option tls");
    return origin + path;
  }

  /** Stops both servers: connections are refused, live ones destroyed. The journal stays. */
  async stop(): Promise<void> {
    await Promise.all([this.app.stop({ keepClients: true }), this.service.stop()]);
  }

  /** Starts both servers again, on the same ports. */
  async start(): Promise<void> {
    await Promise.all([this.service.start(), this.app.start()]);
  }

  /** Both servers at once: an outage. @param downMs - default 0 */
  async restart({ downMs = 0 }: { downMs?: number } = {}): Promise<void> {
    await this.stop();
    await new Promise<void>((resolve) => {
      const cancel = this.#simulation.clock.after(downMs, resolve);
      this.#interruptOutage = () => {
        cancel();
        resolve();
      };
    });
    if (!this.#closed) await this.start();
  }

  /** Drops every live socket of both servers: WebSocket clients see 1006. @param how - default `reset` */
  dropConnections({ how = "reset" }: { how?: DropKind } = {}): void {
    this.app.dropConnections({ how });
    this.service.dropConnections({ how });
  }

  /** Closes every hub connection with a message of type 7. @param error - default: none */
  closeConnections(reason: { error?: string; allowReconnect?: boolean } = {}): void {
    for (const hub of this.#hubs.values()) hub.close(reason);
  }

  /** Half-opens every live socket: nothing is read, written or closed on it any more. */
  freeze(): void {
    this.app.freeze();
    this.service.freeze();
  }

  /** Ends everything: sockets, listeners, timers. A process can exit by itself afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#interruptOutage();
    await Promise.all([this.service.close(), this.app.close()]);
    this.#simulation.timers.cancelAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #add(options: HubOptions): void {
    const hub = new Hub(options);
    const path = options.path ?? `/${options.name}`;
    this.#hubs.set(options.name.toLowerCase(), hub);
    this.#paths.set(hub.name, path);
    this.app.mapHub(path, hub, options);
  }
}

/**
 * Starts a simulated app server and a simulated Azure SignalR Service on real sockets of 127.0.0.1.
 * @throws TypeError or RangeError, naming the option, its value and what is allowed
 */
export async function signalr(options: SignalROptions = {}): Promise<SignalRSimulator> {
  const settings = signalRSettings(options);
  const certificate = settings.tls !== false ? await makeCertificate() : undefined;
  return started(new SignalRSimulator(new Simulation(settings), certificate));
}
