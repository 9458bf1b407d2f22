import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { DropKind } from "../faults/socket-faults.ts";

/** How a client reached the simulator. */
export type Transport = "tcp" | "tls" | "ws" | "wss";

/**
 * The byte stream between a client and a protocol engine, over whichever transport, with the faults that a
 * network adds. The engine gets it in place of a socket.
 */
export class Wire {
  readonly transport: Transport;
  /** `address:port` of the client. */
  readonly peer: string;
  readonly #socket: Socket;
  readonly #stream: Duplex;
  #silent = false;
  #corked = false;

  /**
   * @param socket - the TCP socket below everything
   * @param stream - where the protocol's bytes flow: the socket itself, TLS over it, or a WebSocket over it
   */
  constructor(transport: Transport, socket: Socket, stream: Duplex) {
    this.transport = transport;
    this.peer = `${socket.remoteAddress ?? "?"}:${String(socket.remotePort ?? 0)}`;
    this.#socket = socket;
    this.#stream = stream;
    // The service sets no-delay; with Nagle's algorithm each small answer would wait for a delayed ACK (40 ms).
    socket.setNoDelay(true);
  }

  on(event: "data", listener: (bytes: Buffer) => void): this;
  on(event: "end" | "close", listener: () => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: string, listener: (argument: never) => void): this {
    if (event === "data") {
      this.#stream.on("data", (bytes: Buffer) => {
        if (!this.#silent) (listener as (bytes: Buffer) => void)(bytes);
      });
    } else {
      this.#stream.on(event, listener as (argument: unknown) => void);
    }
    return this;
  }

  /** Frames of one turn of the event loop leave in one segment. */
  write(bytes: Buffer): boolean {
    if (this.#silent || !this.#stream.writable) return false;
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.flush();
      });
    }
    return this.#stream.write(bytes);
  }

  /** What was written leaves now, not with the turn. */
  flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#stream.uncork();
  }

  /** Ends the stream in an orderly way after what was written. */
  end(): void {
    if (!this.#silent) this.#stream.end();
  }

  /** Frees the socket now. */
  destroy(): void {
    this.#stream.destroy();
    this.#socket.destroy();
  }

  /** Nothing is read from or written to the client any more, and it is not told. */
  goSilent(): void {
    this.#silent = true;
    this.#stream.pause();
  }

  /** Drops the connection below the protocol: no close frame of any layer. */
  drop(how: DropKind): void {
    if (how === "reset") this.#socket.resetAndDestroy();
    else this.#socket.destroySoon();
    this.#silent = true;
  }

  /** For the engine's log lines. */
  get_id_string(): string {
    return `${this.transport} ${this.peer}`;
  }
}
