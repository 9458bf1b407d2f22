import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createSecureContext, TLSSocket } from "node:tls";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { Certificate } from "./certificate.ts";
import { hasTarget } from "./request-target.ts";
import { Wire, type Transport } from "./wire.ts";

/** Turns an accepted TCP socket into a wire; calls back once the layers between are up, or never. */
export type Upgrade = (socket: Socket, ready: (wire: Wire) => void) => void;

// A fault or a client may end any layer at any time; what that means is decided where the wire ends.
const ignored = (): void => undefined;

/** Where a web server lets WebSockets in. */
export interface WebSocketRoute {
  readonly path: string;
  readonly subprotocol: string;
}

/** A web server on the same port as another protocol. It does not listen: connections are handed to it. */
export interface WebServer {
  /** Whether a connection that begins with these bytes is for it. */
  readonly accepts: (firstBytes: Buffer) => boolean;
  readonly server: Server;
  /** The other protocol over WebSockets, on the same port. */
  readonly webSocket?: WebSocketRoute;
}

type Ready = (wire: Wire) => void;

interface Guest {
  readonly socket: Socket;
  readonly transport: Transport;
  readonly ready: Ready;
}

const gates = new WeakMap<Server, WeakMap<Duplex, Guest>>();

/** Lets WebSockets in through a web server; who came on which connection is told by the map that is returned. */
function openGate(server: Server, { path, subprotocol }: WebSocketRoute): WeakMap<Duplex, Guest> {
  const known = gates.get(server);
  if (known !== undefined) return known;
  const waiting = new WeakMap<Duplex, Guest>();
  gates.set(server, waiting);
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  });
  server.on("upgrade", (request, stream: Duplex, head) => {
    if (!hasTarget(request)) return;
    const guest = waiting.get(stream);
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    // Some clients end the path with a slash.
    const asked = decodeURIComponent(pathname).replace(/\/$/, "").toLowerCase();
    if (guest === undefined || asked !== path.toLowerCase()) {
      stream.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, stream, head, (webSocket) => {
      guest.ready(new Wire(guest.transport, guest.socket, createWebSocketStream(webSocket)));
    });
  });
  return waiting;
}

/** Gives a connection to the web server or to the other protocol, as soon as its first bytes tell which it is for. */
function share(stream: Duplex, web: WebServer | undefined, guest: Guest, other: () => void): void {
  if (web === undefined) {
    other();
    return;
  }
  const waiting = web.webSocket && openGate(web.server, web.webSocket);
  stream.once("data", (bytes: Buffer) => {
    stream.pause();
    stream.unshift(bytes);
    if (web.accepts(bytes)) {
      waiting?.set(stream, guest);
      web.server.emit("connection", stream);
    } else other();
    process.nextTick(() => stream.resume());
  });
}

/** Plain TCP, with a web server on the same port if one is given. */
export function overTcp(web?: WebServer): Upgrade {
  return (socket, ready) => {
    share(socket, web, { socket, transport: "ws", ready }, () => {
      ready(new Wire("tcp", socket, socket));
    });
  };
}

function secure(
  socket: Socket,
  context: ReturnType<typeof createSecureContext>,
  ready: (secured: TLSSocket) => void,
): void {
  const secured = new TLSSocket(socket, { isServer: true, secureContext: context });
  secured.on("error", ignored);
  secured.once("secure", () => {
    ready(secured);
  });
}

/** TLS from the first byte, as on port 5671, with a web server on the same port if one is given. */
export function overTls(certificate: Certificate, web?: WebServer): Upgrade {
  const context = createSecureContext({ key: certificate.key, cert: certificate.cert });
  return (socket, ready) => {
    secure(socket, context, (secured) => {
      share(secured, web, { socket, transport: "wss", ready }, () => {
        ready(new Wire("tls", socket, secured));
      });
    });
  };
}

/** WebSocket (RFC 6455) at one path with one subprotocol; secure when a certificate is given. */
export function overWebSocket(path: string, subprotocol: string, certificate?: Certificate): Upgrade {
  const transport: Transport = certificate === undefined ? "ws" : "wss";
  const context = certificate && createSecureContext({ key: certificate.key, cert: certificate.cert });
  const http = createServer((_request, response) => {
    response.writeHead(404).end();
  });
  const waiting = openGate(http, { path, subprotocol });
  // The HTTP server never listens: sockets are handed to it, so that one listener can apply every socket fault.
  const serve = (stream: Duplex, socket: Socket, ready: Ready): void => {
    waiting.set(stream, { socket, transport, ready });
    http.emit("connection", stream);
  };
  return (socket, ready) => {
    if (context === undefined) serve(socket, socket, ready);
    else {
      secure(socket, context, (secured) => {
        serve(secured, socket, ready);
      });
    }
  };
}
