import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createSecureContext, TLSSocket } from "node:tls";
import type { DropKind } from "../../faults/socket-faults.ts";
import type { Certificate } from "../../sockets/certificate.ts";
import { Listener } from "../../sockets/listener.ts";
import { hasTarget } from "../../sockets/request-target.ts";
import type { ServerName } from "../journal-entries.ts";
import type { Simulation } from "../simulation.ts";
import { Exchange, type Channel } from "./exchange.ts";

const HOST = "127.0.0.1";
// A fault or a client may end any layer at any time.
const ignored = (): void => undefined;

class Line implements Channel {
  readonly stream: Duplex;
  readonly socket: Socket;
  frozen = false;

  constructor(stream: Duplex, socket: Socket) {
    this.stream = stream;
    this.socket = socket;
  }

  freeze(): void {
    this.frozen = true;
    this.stream.pause();
    // Never uncorked: what is written from now on stays here.
    this.stream.cork();
  }
}

/** OpenSSL speaks the versions before 1.2 only when told that no security is wanted. */
function secureOptions(
  { settings }: Simulation,
  { key, cert }: Certificate,
): Parameters<typeof createSecureContext>[0] {
  const versions = typeof settings.tls === "object" ? settings.tls : {};
  const old =
    /^TLSv1(\.1)?$/.test(versions.maxVersion ?? "") || /^TLSv1(\.1)?$/.test(versions.minVersion ?? "");
  return { key, cert, ...versions, ...(old ? { minVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" } : {}) };
}

/** An HTTP or HTTPS port with the faults of a network, closed and opened again at the same number. */
export class Front {
  readonly #simulation: Simulation;
  readonly #server: ServerName;
  readonly #scheme: "http" | "https";
  readonly #listener: Listener;
  readonly #http: Server;
  readonly #lines = new Map<Duplex, Line>();
  readonly #handle: (exchange: Exchange) => void;

  constructor(
    simulation: Simulation,
    server: ServerName,
    port: number,
    certificate: Certificate | undefined,
    handle: (exchange: Exchange) => void,
  ) {
    this.#simulation = simulation;
    this.#server = server;
    this.#scheme = certificate === undefined ? "http" : "https";
    this.#handle = handle;
    // It never listens: sockets are handed to it, so that one listener can apply every socket fault. Headers may be
    // far larger than the service allows, so that the service's own answer can be given.
    this.#http = createServer({ maxHeaderSize: 262_144, keepAlive: true, noDelay: true });
    this.#http.keepAliveTimeout = 0;
    this.#http.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#arrived(request, { response });
    });
    this.#http.on("upgrade", (request: IncomingMessage, _stream: Duplex, head: Buffer) => {
      this.#arrived(request, { head });
    });
    const context = certificate && createSecureContext(secureOptions(simulation, certificate));
    this.#listener = new Listener(HOST, port, (socket) => {
      this.#accepted(socket, context);
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** `http://127.0.0.1:port`; for HTTPS the certificate's `localhost`. */
  get origin(): string {
    return `${this.#scheme}://${this.#scheme === "https" ? "localhost" : HOST}:${String(this.port)}`;
  }

  open(): Promise<void> {
    return this.#listener.open();
  }

  refuse(): Promise<void> {
    return this.#listener.refuse();
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  /** Drops every socket. */
  drop(how: DropKind): void {
    for (const { socket } of [...this.#lines.values()]) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Half-opens every socket. */
  freeze(): void {
    for (const line of this.#lines.values()) line.freeze();
  }

  #accepted(socket: Socket, context: ReturnType<typeof createSecureContext> | undefined): void {
    const fault = this.#simulation.fault("connect", this.#server);
    if (fault?.kind === "black-hole") return;
    if (fault?.kind === "reset-connection") {
      socket.resetAndDestroy();
      return;
    }
    if (fault?.kind === "accept-then-close") {
      socket.destroySoon();
      return;
    }
    socket.setNoDelay(true);
    const stream =
      context === undefined ? socket : new TLSSocket(socket, { isServer: true, secureContext: context });
    const line = new Line(stream, socket);
    const serve = (): void => {
      // A request that is on its way already must not slip through.
      if (fault?.afterMs === 0) line.freeze();
      else if (fault !== undefined) {
        this.#simulation.timers.after(fault.afterMs, () => {
          line.freeze();
        });
      }
      this.#http.emit("connection", stream);
    };
    this.#lines.set(stream, line);
    stream.on("error", ignored);
    socket.on("close", () => {
      this.#lines.delete(stream);
    });
    if (context === undefined) serve();
    else stream.once("secure", serve);
  }

  #arrived(
    request: IncomingMessage,
    rest: { readonly response: ServerResponse } | { readonly head: Buffer },
  ): void {
    const channel = this.#lines.get(request.socket);
    if (channel === undefined || channel.frozen || !hasTarget(request)) return;
    this.#handle(
      new Exchange({
        simulation: this.#simulation,
        server: this.#server,
        origin: this.origin,
        request,
        channel,
        ...rest,
      }),
    );
  }
}
