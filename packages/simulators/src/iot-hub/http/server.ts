import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { DropKind } from "../../faults/socket-faults.ts";
import { hasTarget } from "../../sockets/request-target.ts";
import type { Accepted } from "../endpoint.ts";
import type { HubConnectionFault } from "../faults.ts";
import type { Hub, LiveConnection } from "../hub.ts";
import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import type { RequestEntry } from "../journal-entries.ts";
import { NoAnswer } from "./no-answer.ts";
import {
  errorResponse,
  keyOf,
  matchRoute,
  type HubResponse,
  type RequestFault,
  type Route,
} from "./exchange.ts";

/** A client's TLS connection, on which requests come one after the other. */
class HttpConnection implements LiveConnection {
  readonly accepted: Accepted;
  isSilent = false;
  #hub: Hub;

  constructor(hub: Hub, accepted: Accepted) {
    this.accepted = accepted;
    this.#hub = hub;
    hub.connections.add(this);
    accepted.socket.on("close", () => {
      hub.connections.delete(this);
    });
    accepted.whenOpened(this);
  }

  drop(how: DropKind): void {
    this.#hub.connections.delete(this);
    if (how === "reset") this.accepted.socket.resetAndDestroy();
    else this.accepted.socket.destroySoon();
  }

  goSilent(): void {
    this.isSilent = true;
  }

  suffer(fault: HubConnectionFault): void {
    this.drop(fault.kind === "drop-connection" ? fault.how : "fin");
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What a request comes to: an answer, or none. */
async function perform(
  hub: Hub,
  connection: HttpConnection,
  route: Route,
  fault: RequestFault | undefined,
  act: () => HubResponse | Promise<HubResponse>,
): Promise<HubResponse | undefined> {
  if (fault?.kind === "refuse") throw new HubFailure(fault.error);
  // Requests are answered once: there is nothing to send twice.
  if (fault === undefined || fault.kind === "duplicate") return act();
  if (fault.kind === "malformed") {
    const response = await act();
    return { ...response, body: Buffer.from(fault.what === "empty" ? "" : "<html>") };
  }
  if (fault.kind === "delay") {
    const response = await act();
    await new Promise<void>((resolve) => {
      hub.timers.after(fault.ms, resolve);
    });
    return response;
  }
  if (fault.stored) await act();
  if (fault.kind !== "lose-acknowledgement") connection.suffer(fault);
  return undefined;
}

function write(hub: Hub, response: ServerResponse, { status, body, headers = {} }: HubResponse): void {
  const isBytes = Buffer.isBuffer(body);
  const bytes = body === undefined ? undefined : isBytes ? body : Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    // The hub's own clock: clients find out from it that theirs is wrong.
    Date: new Date(hub.clock.wallNow()).toUTCString(),
    ...(bytes === undefined
      ? {}
      : {
          "Content-Type": isBytes ? "application/octet-stream" : "application/json; charset=utf-8",
          "Content-Length": String(bytes.length),
        }),
    ...headers,
  });
  response.end(bytes);
}

/** HTTPS on a port of the hub: requests by a table of routes, and upgrades to WebSocket. */
export class HttpsEndpoint {
  readonly #hub: Hub;
  readonly #routes: readonly Route[];
  readonly #server: Server;
  readonly #connections = new WeakMap<Duplex, HttpConnection>();

  /** @param upgrade - takes over a connection that asks for a WebSocket; without one it is refused */
  constructor(
    hub: Hub,
    routes: readonly Route[],
    upgrade?: (request: IncomingMessage, head: Buffer, accepted: Accepted) => void,
  ) {
    this.#hub = hub;
    this.#routes = routes;
    // It never listens: connections are handed to it, so that one listener can apply every socket fault.
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
      if (hasTarget(request)) void this.#serve(request, response);
    });
    this.#server.on("upgrade", (request, stream: Duplex, head: Buffer) => {
      if (!hasTarget(request)) return;
      const connection = this.#connections.get(stream);
      if (connection === undefined || upgrade === undefined) {
        stream.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
        return;
      }
      hub.connections.delete(connection);
      upgrade(request, head, connection.accepted);
    });
    this.#server.on("clientError", (_error, stream: Duplex) => {
      stream.destroy();
    });
  }

  /** Takes a connection over. */
  accept(accepted: Accepted): void {
    const { stream } = accepted.secured;
    this.#connections.set(stream, new HttpConnection(this.#hub, accepted));
    this.#server.emit("connection", stream);
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = this.#connections.get(message.socket);
    if (connection === undefined || connection.isSilent) return;
    const hub = this.#hub;
    const url = new URL(message.url ?? "/", "https://localhost");
    const segments = url.pathname.replace(/\/$/, "").split("/").slice(1).map(decodeURIComponent);
    const method = message.method ?? "GET";
    const found = this.#routes
      .map((route) => ({ route, parameters: matchRoute(route, method, segments) }))
      .find(({ parameters }) => parameters !== undefined);
    const parameters = found?.parameters ?? {};
    const device = parameters["device"] === undefined ? undefined : keyOf(parameters);
    const entry: RequestEntry = hub.ledgers.requests.add({
      at: hub.clock.now(),
      method,
      path: url.pathname,
      device,
    });
    let answer: HubResponse | undefined;
    try {
      const body = await bodyOf(message);
      if (found === undefined)
        throw new HubFailure({ ...hubErrors.argument, name: "InvalidOperation", status: 404 });
      const { route } = found;
      const { thumbprints } = connection.accepted.secured;
      const request = {
        hub,
        method,
        segments,
        query: url.searchParams,
        headers: message.headers,
        body,
        thumbprints,
      };
      // Every step of a route can meet each of these; the script has checked it.
      const fault =
        route.step === "send" ? undefined : (hub.fault(route.step, device) as RequestFault | undefined);
      answer = await perform(hub, connection, route, fault, () => route.handle(request, parameters));
    } catch (error) {
      if (error instanceof NoAnswer) {
        if (error.fault !== undefined) connection.suffer(error.fault);
      } else if (error instanceof HubFailure) {
        entry.error = error.error.name;
        if (found !== undefined && !error.isJournaled) {
          hub.refused(found.route.step, error.error, {
            protocol: "https",
            ...(device === undefined ? {} : { device }),
          });
        }
        answer = errorResponse(hub, error.error, found?.route.errors);
      } else if (message.destroyed && !message.complete) {
        // The client went away in the middle of its request.
      } else {
        answer = errorResponse(hub, { ...hubErrors.internalError, message: String(error) }, undefined);
      }
    }
    // A connection may have been broken or have fallen silent meanwhile.
    const isSilent = (): boolean => connection.isSilent;
    if (answer === undefined || isSilent() || response.destroyed) return;
    entry.status = answer.status;
    write(hub, response, answer);
  }
}
