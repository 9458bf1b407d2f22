import { STATUS_CODES, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { DropKind } from "../../faults/socket-faults.ts";
import type { RequestEntry, ServerName } from "../journal-entries.ts";
import type { RequestView } from "../options.ts";
import type { Simulation } from "../simulation.ts";
import { corsHeaders } from "./cors.ts";

const MAX_BODY_BYTES = 33_554_432;

const webSockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  clientTracking: false,
  maxPayload: MAX_BODY_BYTES,
});

/** The socket of a request: what HTTP sees (which may be TLS), and TCP below it. */
export interface Channel {
  readonly stream: Duplex;
  readonly socket: Socket;
  /** Nothing is read or written any more, and the client is not told. */
  freeze(): void;
}

/** What a request arrives with. */
interface Arrival {
  readonly simulation: Simulation;
  readonly server: ServerName;
  /** The address the client used, e.g. `http://127.0.0.1:8080`. */
  readonly origin: string;
  readonly request: IncomingMessage;
  readonly channel: Channel;
  /** Absent when the client asked for an upgrade. */
  readonly response?: ServerResponse;
  readonly head?: Buffer;
}

/** One HTTP request and its one answer, journaled. */
export class Exchange implements RequestView {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly origin: string;
  readonly server: ServerName;
  readonly channel: Channel;
  readonly entry: RequestEntry;
  /** The bearer token, from the header or else, for WebSockets and event streams, from the query. */
  readonly token: string | undefined;
  readonly isWebSocket: boolean;
  readonly #arrival: Arrival;
  #muted = false;
  readonly #added: Record<string, string | string[]> = {};

  constructor(arrival: Arrival) {
    const { request, simulation } = arrival;
    const url = new URL(request.url ?? "/", arrival.origin);
    this.#arrival = arrival;
    this.method = request.method ?? "GET";
    this.path = url.pathname;
    this.query = url.searchParams;
    this.headers = request.headers;
    this.origin = arrival.origin;
    this.server = arrival.server;
    this.channel = arrival.channel;
    this.isWebSocket = arrival.response === undefined;
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const inQuery = this.isWebSocket || this.acceptsEvents ? url.searchParams.get("access_token") : null;
    this.token = bearer ?? inQuery ?? undefined;
    const shown = new URLSearchParams(url.searchParams);
    shown.delete("access_token");
    this.entry = simulation.ledgers.requests.add({
      at: simulation.clock.now(),
      server: arrival.server,
      method: this.method,
      path: this.path,
      query: shown.toString(),
      hub: url.searchParams.get("hub") ?? undefined,
      token:
        this.token === undefined
          ? undefined
          : simulation.tokens.seen(this.token, bearer ? "header" : "query"),
      cookies: request.headers.cookie,
      origin: request.headers.origin,
    });
  }

  /** Whether the client wants server-sent events. */
  get acceptsEvents(): boolean {
    return this.headers.accept?.includes("text/event-stream") ?? false;
  }

  /** The request line's length, which the service limits. */
  get urlBytes(): number {
    return Buffer.byteLength(this.#arrival.request.url ?? "");
  }

  /** The length of all headers, which the service limits. */
  get headerBytes(): number {
    return this.#arrival.request.rawHeaders.reduce((sum, part) => sum + Buffer.byteLength(part) + 2, 0);
  }

  /** Headers for the answer, whatever it will be; those of a name that is there already come beside it. */
  addHeaders(headers: Readonly<Record<string, string | string[]>>): void {
    for (const [name, value] of Object.entries(headers)) {
      const before = this.#added[name];
      this.#added[name] = before === undefined ? value : [before, value].flat();
    }
  }

  /** What follows happens, but the client does not hear of it. */
  mute(): void {
    this.#muted = true;
  }

  /** Answers, once. */
  answer(
    status: number,
    body: string | Buffer = "",
    headers: Readonly<Record<string, string | string[]>> = {},
  ): void {
    if (this.#muted || this.entry.status !== undefined) return;
    this.#answered(status);
    const all = { ...this.#always(), "content-length": String(Buffer.byteLength(body)), ...headers };
    const { response } = this.#arrival;
    if (response !== undefined) {
      // Not every refused body is read: the connection must not be used again with the rest of one in it.
      if (status === 413) response.shouldKeepAlive = false;
      response.writeHead(status, all).end(body);
      return;
    }
    const lines = Object.entries(all).flatMap(([name, value]) =>
      [value].flat().map((each) => `${name}: ${each}\r\n`),
    );
    this.channel.stream.end(
      `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ""}\r\nconnection: close\r\n${lines.join("")}\r\n${body.toString()}`,
    );
  }

  /** Answers with JSON. */
  json(value: unknown, headers: Readonly<Record<string, string | string[]>> = {}): void {
    this.answer(200, JSON.stringify(value), { "content-type": "application/json", ...headers });
  }

  /** Answers with a sentence. */
  text(status: number, sentence: string): void {
    this.answer(status, sentence, { "content-type": "text/plain" });
  }

  /** The whole body; undefined when the client went away or sent too much. */
  async body(): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of this.#arrival.request as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) return undefined;
        chunks.push(chunk);
      }
    } catch {
      return undefined;
    }
    return Buffer.concat(chunks);
  }

  /** Begins an answer that is written bit by bit. */
  stream(headers: Readonly<Record<string, string>>): ServerResponse | undefined {
    const { response } = this.#arrival;
    if (response === undefined || this.#muted) return undefined;
    this.#answered(200);
    response.writeHead(200, { ...this.#always(), ...headers });
    response.flushHeaders();
    return response;
  }

  /** Calls back when the client has gone away or the answer is complete. */
  onClose(listener: () => void): void {
    // Not the request's "close": it comes as soon as its body has been read.
    this.#arrival.response?.on("close", listener);
  }

  /** Becomes a WebSocket; calls back unless the client's request is no valid one. */
  upgrade(opened: (webSocket: WebSocket) => void): void {
    if (this.#muted) return;
    webSockets.handleUpgrade(
      this.#arrival.request,
      this.channel.stream,
      this.#arrival.head ?? Buffer.alloc(0),
      (webSocket) => {
        this.#answered(101);
        opened(webSocket);
      },
    );
  }

  /** Drops the connection in place of an answer. */
  drop(how: DropKind): void {
    this.#muted = true;
    if (how === "reset") this.channel.socket.resetAndDestroy();
    else this.channel.socket.destroySoon();
  }

  #answered(status: number): void {
    this.entry.status = status;
    this.entry.answeredAt = this.#arrival.simulation.clock.now();
  }

  #always(): Record<string, string | string[]> {
    return { ...corsHeaders(this.#arrival.simulation.settings, this.headers), ...this.#added };
  }
}
