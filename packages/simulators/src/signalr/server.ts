import type { DropKind } from "../faults/socket-faults.ts";
import type { Certificate } from "../sockets/certificate.ts";
import type { Exchange } from "./http/exchange.ts";
import { Front } from "./http/front.ts";
import type { ServerName } from "./journal-entries.ts";
import type { Simulation } from "./simulation.ts";

/** One of the two servers: its ports, and how it goes down and comes back. */
export abstract class SimulatedServer {
  /** @internal */
  protected readonly simulation: Simulation;
  readonly #fronts: { readonly http: Front; readonly https?: Front };
  #closed = false;
  #interruptOutage = (): void => undefined;

  /** @internal */
  protected constructor(
    simulation: Simulation,
    name: ServerName,
    ports: { readonly http: number; readonly https: number },
    certificate: Certificate | undefined,
  ) {
    const handle = (exchange: Exchange): void => {
      this.handle(exchange);
    };
    this.simulation = simulation;
    this.#fronts = {
      http: new Front(simulation, name, ports.http, undefined, handle),
      ...(certificate === undefined
        ? {}
        : { https: new Front(simulation, name, ports.https, certificate, handle) }),
    };
  }

  /** The port of plain HTTP on 127.0.0.1. It stays the same over {@link stop} and {@link start}. */
  get port(): number {
    return this.#fronts.http.port;
  }

  /** `http://127.0.0.1:port`. */
  get origin(): string {
    return this.#fronts.http.origin;
  }

  /** `https://localhost:port`; undefined unless the simulator was started with `tls`. */
  get secureOrigin(): string | undefined {
    return this.#fronts.https?.origin;
  }

  /** Stops listening and destroys every socket; what it knew of connections is lost, the journal stays. */
  async stop(): Promise<void> {
    await Promise.all(this.fronts.map((front) => front.close()));
    this.forget();
  }

  /** Listens again, on the same ports. Harmless when it does already. */
  async start(): Promise<void> {
    if (this.#closed) throw new Error("SignalRSimulator: it is closed and cannot start again");
    await Promise.all(this.fronts.map((front) => front.open()));
  }

  /** Stops, waits and starts again: an outage. @param downMs - default 0 */
  async restart({ downMs = 0 }: { downMs?: number } = {}): Promise<void> {
    await this.stop();
    await new Promise<void>((resolve) => {
      const cancel = this.simulation.clock.after(downMs, resolve);
      this.#interruptOutage = () => {
        cancel();
        resolve();
      };
    });
    if (!this.#closed) await this.start();
  }

  /** Refuses further TCP connections; the live ones stay. {@link start} ends it. */
  async refuseConnections(): Promise<void> {
    await Promise.all(this.fronts.map((front) => front.refuse()));
  }

  /** Drops every live socket: WebSocket clients see 1006. @param how - default `reset` */
  dropConnections({ how = "reset" }: { how?: DropKind } = {}): void {
    for (const front of this.fronts) front.drop(how);
  }

  /** Half-opens every live socket: nothing is read, written or closed on it any more. */
  freeze(): void {
    for (const front of this.fronts) front.freeze();
  }

  /** @internal */
  async close(): Promise<void> {
    this.#closed = true;
    this.#interruptOutage();
    await this.stop();
  }

  /** Answers a request. @internal */
  protected abstract handle(exchange: Exchange): void;

  /** Forgets every connection. @internal */
  protected abstract forget(): void;

  private get fronts(): Front[] {
    return Object.values(this.#fronts);
  }
}
