import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

const REOPEN_PATIENCE_MS = 2_000;

/**
 * A listening TCP port that can be closed and opened again at the same number. It knows every socket it has
 * accepted, so that stopping ends them, whatever became of them in the layers above.
 */
export class Listener {
  readonly #host: string;
  readonly #accept: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port: number;
  #hadPort = false;

  constructor(host: string, port: number, accept: (socket: Socket) => void) {
    this.#host = host;
    this.#port = port;
    this.#accept = accept;
  }

  /** The port; known once {@link open} has resolved for the first time. */
  get port(): number {
    return this.#port;
  }

  /**
   * Starts to listen; harmless when listening already. A port that was had before is waited for: while it was closed,
   * the system may have lent it to an outgoing connection.
   */
  async open(): Promise<void> {
    const deadline = performance.now() + REOPEN_PATIENCE_MS;
    const hadPort = this.#hadPort;
    for (;;) {
      try {
        await this.#listen();
        return;
      } catch (error) {
        const inUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
        if (!inUse || !hadPort || performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async #listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ noDelay: true, allowHalfOpen: false });
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      // Errors of a socket are facts of the network under test; the layers above listen as well.
      socket.on("error", () => undefined);
      this.#accept(socket);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: this.#host, port: this.#port, backlog: 1024 }, () => {
        server.off("error", reject);
        resolve();
      });
    }).catch((error: unknown) => {
      this.#server = undefined;
      throw error;
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#hadPort = true;
  }

  /** Stops to listen: further connection attempts are refused. Live sockets stay. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    // close() calls back only when every socket has ended; the port itself is free at once.
    server.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Stops to listen and destroys every live socket. */
  async close(): Promise<void> {
    const refused = this.refuse();
    for (const socket of this.#sockets) socket.destroy();
    await refused;
  }
}
