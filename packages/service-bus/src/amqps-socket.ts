import { isIP } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { WebSocketLike } from "./web-socket-like.ts";

// The port of AMQP over TLS, where no other is named.
const amqpsPort = 5671;

// Options that a WebSocket's TLS and this one take alike. Those of `ws` may hold others that mean something else here.
const tlsOptions = [
  ...["ca", "cert", "key", "pfx", "passphrase", "secureContext", "rejectUnauthorized", "checkServerIdentity"],
  ...["ciphers", "minVersion", "maxVersion", "servername", "lookup", "family", "localAddress"],
] as const;

/** AMQP over TLS in the shape of a WebSocket: what the official client writes flows as it is, without frames around it. */
export class AmqpsSocket implements WebSocketLike {
  readonly url: string;
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly #socket: TLSSocket;

  /**
   * @param webSocketUrl - `wss://host:port/path` as for the WebSocket beside it; 443 there is 5671 here.
   * @param options - the WebSocket's, of which what concerns TLS counts.
   */
  constructor(webSocketUrl: string, options: unknown) {
    // "" is the protocol's own port, 443.
    const { hostname, port } = new URL(webSocketUrl);
    const host = hostname.replace(/^\[|\]$/g, "");
    const ownPort = port === "" ? amqpsPort : Number(port);
    this.url = `amqps://${hostname}:${String(ownPort)}`;
    this.#socket = connect({
      host,
      port: ownPort,
      ...(isIP(host) === 0 && { servername: host }),
      ...tlsPart(options),
    });
    // Small frames wait for nobody (Nagle costs 40 ms each).
    this.#socket.setNoDelay(true);
    this.#socket.on("secureConnect", () => {
      // An end before this is told as an error, too, which says more.
      this.#socket.on("end", () => this.onclose?.());
      this.onopen?.();
    });
    this.#socket.on("data", (data: Buffer) => this.onmessage?.({ data }));
    this.#socket.on("error", (error) => this.onerror?.(error));
  }

  send(data: Uint8Array): void {
    this.#socket.write(data);
  }

  close(): void {
    this.#socket.end();
  }

  terminate(): void {
    this.#socket.destroy();
  }
}

function tlsPart(options: unknown): ConnectionOptions {
  const given = typeof options === "object" && options !== null ? (options as ConnectionOptions) : {};
  const named = tlsOptions.filter((name) => name in given);
  return Object.fromEntries(named.map((name) => [name, given[name as keyof ConnectionOptions]]));
}
