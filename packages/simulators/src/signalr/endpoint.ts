import { Connection } from "./connection.ts";
import type { Exchange } from "./http/exchange.ts";
import { atStep } from "./http/request-step.ts";
import type { ServerName } from "./journal-entries.ts";
import type { Identity, TransportName } from "./options.ts";
import type { Simulation } from "./simulation.ts";
import { LongPollingTransport } from "./transports/long-polling.ts";
import { ServerSentEventsTransport } from "./transports/server-sent-events.ts";
import { WebSocketTransport } from "./transports/web-socket.ts";

const formats: Readonly<Record<TransportName, readonly string[]>> = {
  WebSockets: ["Text", "Binary"],
  ServerSentEvents: ["Text"],
  LongPolling: ["Text", "Binary"],
};

/** Every transport, in the order in which clients are to try them. */
export const allTransports = Object.freeze(Object.keys(formats) as TransportName[]);

/** Who sends a request, once that is known. */
export interface Caller extends Identity {
  /** When its token expires, in milliseconds since the Unix epoch; `Infinity` for none. */
  readonly expiresAt: number;
}

/** How an endpoint differs from others. */
export interface EndpointSettings {
  readonly server: ServerName;
  /** The hub's name, or the path of a raw endpoint: what the journal and the script call it. */
  readonly hub: string;
  readonly transports: readonly TransportName[];
  /** Clients that ask for an older version of the negotiate protocol are refused. */
  readonly minimumNegotiateVersion: number;
  readonly statefulReconnect: boolean;
  readonly closeOnExpiry: boolean;
  /** How long a negotiated connection waits for its transport. */
  readonly connectWindowMs: number;
  /** Who is calling; undefined when the request was answered with a refusal. */
  readonly authorize: (exchange: Exchange) => Caller | undefined;
  /** Whether there is room for one more; answers with a refusal otherwise. */
  readonly admit: (exchange: Exchange) => boolean;
  /** What serves a connection that has its first transport. */
  readonly application: (connection: Connection) => void;
}

/** Negotiation and transports at one path: TransportProtocols.md, in the answers of ASP.NET Core. */
export class Endpoint {
  readonly settings: EndpointSettings;
  readonly connections = new Map<string, Connection>();
  readonly #simulation: Simulation;

  constructor(simulation: Simulation, settings: EndpointSettings) {
    this.#simulation = simulation;
    this.settings = settings;
  }

  /** Those that have, or had, a transport. */
  get live(): Connection[] {
    return [...this.connections.values()].filter(({ entry, isEnded }) => entry !== undefined && !isEnded);
  }

  /** `POST …/negotiate`. */
  negotiate(exchange: Exchange): void {
    if (exchange.method !== "POST") {
      exchange.text(405, "");
      return;
    }
    const caller = this.settings.authorize(exchange);
    if (caller === undefined || !this.settings.admit(exchange)) return;
    const asked = parameter(exchange, "negotiateVersion") ?? "0";
    const refusal = negotiateRefusal(asked, this.settings.minimumNegotiateVersion);
    if (refusal !== undefined) {
      exchange.json({ error: refusal });
      return;
    }
    const version = Math.min(1, Number(asked));
    const resumable =
      this.settings.statefulReconnect &&
      parameter(exchange, "useStatefulReconnect")?.toLowerCase() === "true";
    const connection = this.#connect(exchange, caller, version > 0, resumable);
    exchange.entry.connectionId = connection.id;
    exchange.json({
      negotiateVersion: version,
      connectionId: connection.id,
      ...(version > 0 ? { connectionToken: connection.connectionToken } : {}),
      availableTransports: this.settings.transports.map((transport) => ({
        transport,
        transferFormats: formats[transport],
      })),
      ...(resumable ? { useStatefulReconnect: true } : {}),
    });
  }

  /** Everything else at the path: connecting, polling, sending, terminating. */
  handle(exchange: Exchange): void {
    const id = exchange.query.get("id");
    const connection = id === null ? undefined : this.connections.get(id);
    if (connection !== undefined) exchange.entry.connectionId = connection.id;
    if (connection?.frozen === true) return;
    switch (exchange.method) {
      case "GET":
        this.#get(exchange, id, connection);
        return;
      case "POST":
        void this.#post(exchange, id, connection);
        return;
      case "DELETE":
        exchange.entry.step = "delete";
        this.#delete(exchange, id, connection);
        return;
      default:
        exchange.text(405, "");
    }
  }

  /** Forgets every connection, as a restart does. */
  forget(): void {
    for (const connection of [...this.connections.values()]) connection.abandon();
    this.connections.clear();
  }

  #connect(exchange: Exchange, caller: Caller, withToken: boolean, resumable: boolean): Connection {
    const beginning = {
      simulation: this.#simulation,
      server: this.settings.server,
      hub: this.settings.hub,
      identity: caller,
      request: exchange,
      token: exchange.entry.token?.number,
      expiresAt: caller.expiresAt,
      resumable,
    };
    const connection = new Connection(beginning, withToken, ({ connectionToken, lastTransport }, by) => {
      const forget = (): void => {
        this.connections.delete(connectionToken);
      };
      // A long-polling client is still to hear of an end that the server decided.
      if (by !== "server" || !(lastTransport instanceof LongPollingTransport)) forget();
      else this.#simulation.timers.after(this.#simulation.settings.disconnectTimeoutMs, forget);
    });
    this.connections.set(connection.connectionToken, connection);
    // Whoever comes later finds no connection with that id.
    this.#simulation.timers.after(this.settings.connectWindowMs, () => {
      if (connection.isWaiting) connection.abandon();
    });
    return connection;
  }

  #get(exchange: Exchange, id: string | null, connection: Connection | undefined): void {
    const transport: TransportName = exchange.isWebSocket
      ? "WebSockets"
      : exchange.acceptsEvents
        ? "ServerSentEvents"
        : "LongPolling";
    exchange.entry.transport = transport;
    const step = transport === "LongPolling" && connection?.transport !== undefined ? "poll" : "transport";
    atStep(this.#simulation, exchange, step, this.settings.hub, () => {
      const caller = this.settings.authorize(exchange);
      if (caller === undefined) return;
      if (!this.settings.transports.includes(transport)) {
        exchange.text(404, `${transport} transport not supported by this end point type`);
        return;
      }
      const found = this.#find(exchange, transport, id, connection, caller);
      if (found === undefined) return;
      exchange.entry.connectionId = found.id;
      // As ASP.NET Core's HttpContext: cookies and headers of this request are what the hub sees.
      if (found.isWaiting) found.request = exchange;
      this.#open(exchange, transport, found);
    });
  }

  /** The connection that a request names, or a new one for a WebSocket that skips negotiation. */
  #find(
    exchange: Exchange,
    transport: TransportName,
    id: string | null,
    connection: Connection | undefined,
    caller: Caller,
  ): Connection | undefined {
    if (id === null && transport === "WebSockets") {
      return this.settings.admit(exchange) ? this.#connect(exchange, caller, true, false) : undefined;
    }
    if (connection === undefined) {
      this.#missing(exchange, id);
      return undefined;
    }
    const current = connection.transport;
    if (connection.isEnded) {
      const last = connection.lastTransport;
      if (transport === "LongPolling" && last instanceof LongPollingTransport) last.poll(exchange);
      else this.#missing(exchange, id);
      return undefined;
    }
    if (current === undefined) {
      return !connection.isWaiting || this.settings.admit(exchange) ? connection : undefined;
    }
    if (current.name !== transport) exchange.text(400, "Cannot change transports mid-connection");
    else if (transport === "LongPolling" || connection.beginning.resumable) return connection;
    else exchange.text(409, `Connection ${connection.id} is already active via ${exchange.entry.path}.`);
    return undefined;
  }

  #open(exchange: Exchange, name: TransportName, connection: Connection): void {
    if (name === "WebSockets") {
      exchange.upgrade((webSocket) => {
        const transport = new WebSocketTransport(webSocket, exchange.channel, connection);
        if (!connection.attach(transport)) this.#begin(connection);
      });
    } else if (name === "ServerSentEvents") {
      const transport = new ServerSentEventsTransport(exchange, connection);
      transport.open();
      connection.attach(transport);
      this.#begin(connection);
    } else if (connection.transport instanceof LongPollingTransport) {
      connection.transport.poll(exchange);
    } else {
      // The first poll only opens the transport.
      exchange.answer(200, "", { "content-type": "text/plain" });
      connection.attach(new LongPollingTransport(connection));
      this.#begin(connection);
    }
  }

  #begin(connection: Connection): void {
    this.settings.application(connection);
  }

  async #post(exchange: Exchange, id: string | null, connection: Connection | undefined): Promise<void> {
    const body = await exchange.body();
    if (body === undefined) return;
    atStep(this.#simulation, exchange, "post", this.settings.hub, () => {
      if (this.settings.authorize(exchange) === undefined) return;
      const transport = connection?.transport;
      if (connection === undefined || connection.isEnded || transport === undefined) {
        this.#missing(exchange, id);
      } else if (transport.name === "WebSockets") {
        exchange.text(405, "POST requests are not allowed for WebSocket connections.");
      } else {
        exchange.entry.transport = transport.name;
        exchange.text(200, "");
        connection.onReceive(body, false);
      }
    });
  }

  #delete(exchange: Exchange, id: string | null, connection: Connection | undefined): void {
    if (this.settings.authorize(exchange) === undefined) return;
    if (connection === undefined || connection.isEnded) {
      this.#missing(exchange, id);
    } else if (connection.transport?.name !== "LongPolling") {
      exchange.text(400, "Cannot terminate this connection using the DELETE endpoint.");
    } else {
      exchange.entry.transport = "LongPolling";
      connection.end("client");
      this.connections.delete(connection.connectionToken);
      exchange.text(202, "");
    }
  }

  #missing(exchange: Exchange, id: string | null): void {
    if (id === null) exchange.text(400, "Connection ID required");
    else exchange.text(404, "No Connection with that ID");
  }
}

/** A query parameter; their names are case-insensitive in ASP.NET Core. */
function parameter({ query }: Exchange, name: string): string | undefined {
  for (const [key, value] of query) if (key.toLowerCase() === name.toLowerCase()) return value;
  return undefined;
}

/** ASP.NET Core's words for a version that it does not speak; undefined when it does. */
function negotiateRefusal(asked: string, minimum: number): string | undefined {
  if (!/^[+-]?\d+$/.test(asked)) return "The client requested a non-integer protocol version.";
  if (Number(asked) >= minimum) return undefined;
  return `The client requested version '${asked}', but the server does not support this version.`;
}
