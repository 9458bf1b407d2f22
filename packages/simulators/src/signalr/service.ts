import type { Certificate } from "../sockets/certificate.ts";
import { audienceMatches, bearerClaims } from "./bearer.ts";
import { identityOf } from "./claims.ts";
import { allTransports, Endpoint, type Caller } from "./endpoint.ts";
import type { Exchange } from "./http/exchange.ts";
import type { Claims } from "./http/json-web-token.ts";
import { atStep } from "./http/request-step.ts";
import { HubSession } from "./hub-session.ts";
import type { Hub } from "./hub.ts";
import type { TokenIssuer } from "./journal-entries.ts";
import { handleRest } from "./rest.ts";
import { SimulatedServer } from "./server.ts";
import type { Simulation } from "./simulation.ts";
import { MAX_HEADER_BYTES, MAX_TOKEN_CHARS, MAX_URL_BYTES, texts } from "./texts.ts";

/** The size of one message in the service's accounts. */
const MESSAGE_UNIT_BYTES = 2_048;

/** Finds a hub by name, case-insensitive. */
export type HubDirectory = (name: string) => Hub | undefined;

/** What a token is to say beside what every token says. */
export interface ClientAccessOptions {
  /** Connect over HTTPS; needs the option `tls`. Default false. */
  readonly secure?: boolean;
  readonly userId?: string | undefined;
  readonly claims?: Claims;
  /** In milliseconds. Default: the service's `tokenLifetimeMs`. */
  readonly lifetimeMs?: number;
  /** Who the journal says issued it. Default `redirect`. */
  readonly issuer?: TokenIssuer;
}

/** Azure SignalR Service: clients connect to it with a token, hubs answer behind it, and the REST API sends. */
export class AzureService extends SimulatedServer {
  readonly #hubs: HubDirectory;
  readonly #endpoints = new Map<string, Endpoint>();
  #servers = 0;
  #messages = 0;

  /** @internal */
  constructor(simulation: Simulation, hubs: HubDirectory, certificate: Certificate | undefined) {
    const { servicePort, serviceTlsPort } = simulation.settings;
    super(simulation, "service", { http: servicePort, https: serviceTlsPort }, certificate);
    this.#hubs = hubs;
  }

  /** For SDKs: `Endpoint=…;Port=…;AccessKey=…;Version=1.0;`. */
  get connectionString(): string {
    const [accessKey = ""] = this.simulation.settings.service.accessKeys;
    return `Endpoint=http://127.0.0.1;Port=${String(this.port)};AccessKey=${accessKey};Version=1.0;`;
  }

  /** Client connections and server connections that count towards the limit. */
  get connectionCount(): number {
    const clients = [...this.#endpoints.values()].reduce((sum, endpoint) => sum + endpoint.live.length, 0);
    return clients + this.#servers;
  }

  /** Whether clients can be served: some app server is connected, or none is needed. */
  get isConnected(): boolean {
    return this.simulation.settings.service.mode === "serverless" || this.#servers > 0;
  }

  /** Messages sent so far that count towards the quota. */
  get messageCount(): number {
    return this.#messages;
  }

  /** The app server's connections come up. */
  connectServers(): void {
    this.#servers = this.simulation.settings.service.serverConnections;
  }

  /**
   * The app server's connections drop, and with them every client that is routed to one. Negotiating is answered with
   * "not connected yet" until {@link connectServers}.
   * @param allowReconnect - what the close message says. Default: nothing.
   */
  disconnectServers({ allowReconnect }: { allowReconnect?: boolean } = {}): void {
    this.#servers = 0;
    if (this.simulation.settings.service.mode === "serverless") return;
    for (const name of this.#endpoints.keys()) {
      this.#hubs(name)?.close(
        { error: texts.connectionLost, ...(allowReconnect === undefined ? {} : { allowReconnect }) },
        this.#endpoints.get(name)?.live.map(({ id }) => id) ?? [],
      );
    }
  }

  /** Where a client of a hub connects, and a token for it: what a negotiate response carries. */
  clientAccess(
    hub: string,
    { secure = false, userId, claims = {}, lifetimeMs, issuer = "redirect" }: ClientAccessOptions = {},
  ): { readonly url: string; readonly accessToken: string } {
    const { service } = this.simulation.settings;
    const origin = secure ? (this.secureOrigin ?? this.origin) : this.origin;
    const url = `${origin}/client/?hub=${encodeURIComponent(hub.toLowerCase())}`;
    const [key = ""] = service.accessKeys;
    const accessToken = this.simulation.tokens.issue({
      issuer,
      hub,
      audience: url,
      userId,
      claims,
      lifetimeMs: lifetimeMs ?? service.tokenLifetimeMs,
      key,
    });
    return { url, accessToken };
  }

  /** @internal */
  protected override handle(exchange: Exchange): void {
    if (exchange.method === "OPTIONS") {
      exchange.answer(204);
      return;
    }
    const isClient = /^\/client\/(negotiate)?$/.test(exchange.path);
    // A client's token that is too long has an answer of its own, however much it adds to the headers.
    const areHeadersTooLong =
      exchange.headerBytes > MAX_HEADER_BYTES && !(isClient && hasLongToken(exchange));
    if (exchange.urlBytes > MAX_URL_BYTES) exchange.text(414, "URI Too Long");
    else if (areHeadersTooLong) exchange.text(431, "Request Header Fields Too Large");
    else if (exchange.path.startsWith("/api/")) handleRest(this.simulation, this, this.#hubs, exchange);
    else if (isClient) this.#client(exchange);
    else exchange.text(404, "");
  }

  /** @internal */
  protected override forget(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.forget();
  }

  #client(exchange: Exchange): void {
    const hubs = exchange.query.getAll("hub");
    const [name] = hubs;
    if (hubs.length !== 1 || name === undefined) {
      exchange.text(400, hubs.length === 0 ? texts.noHub : texts.severalHubs);
      return;
    }
    const endpoint = this.#endpoint(name);
    if (endpoint === undefined) {
      exchange.text(404, "");
      return;
    }
    if (!exchange.path.endsWith("/negotiate")) {
      endpoint.handle(exchange);
      return;
    }
    atStep(this.simulation, exchange, "service-negotiate", endpoint.settings.hub, () => {
      endpoint.negotiate(exchange);
    });
  }

  #endpoint(name: string): Endpoint | undefined {
    const found = this.#endpoints.get(name.toLowerCase());
    const hub = this.#hubs(name);
    if (found !== undefined || hub === undefined) return found;
    const { service } = this.simulation.settings;
    const endpoint = new Endpoint(this.simulation, {
      server: "service",
      hub: hub.name,
      transports: hub.options.transports ?? allTransports,
      minimumNegotiateVersion: 0,
      statefulReconnect: service.statefulReconnect,
      closeOnExpiry: service.closeOnExpiry,
      connectWindowMs: service.connectWindowMs,
      authorize: (exchange) => this.#authorize(exchange),
      admit: (exchange) => this.#admit(exchange),
      application: (connection) => {
        const session = new HubSession(hub, connection, {
          clientsMayInvoke: service.mode === "default",
          sending: (bytes) => this.#count(bytes),
        });
        if (service.closeOnExpiry) connection.watchExpiry(() => session.close({ allowReconnect: true }));
      },
    });
    this.#endpoints.set(name.toLowerCase(), endpoint);
    return endpoint;
  }

  #authorize(exchange: Exchange): Caller | undefined {
    if (hasLongToken(exchange)) {
      exchange.text(413, texts.tokenTooLong);
      return undefined;
    }
    const { service } = this.simulation.settings;
    const claims = bearerClaims(exchange, service.accessKeys, this.simulation.clock.wallNow());
    if (claims === undefined) return undefined;
    if (!audienceMatches(claims["aud"], `/client/?hub=${exchange.query.get("hub") ?? ""}`)) {
      exchange.answer(401, "", {
        "www-authenticate": 'Bearer error="invalid_token", error_description="The audience is invalid"',
      });
      return undefined;
    }
    return { ...identityOf(claims), expiresAt: Number(claims["exp"]) * 1_000 };
  }

  #admit(exchange: Exchange): boolean {
    const { service } = this.simulation.settings;
    if (!this.isConnected) exchange.text(500, texts.notConnected);
    else if (this.#messages >= service.messageQuota) exchange.text(500, texts.quota);
    else if (this.connectionCount >= service.maxConnections) {
      const hint =
        service.retryAfterSeconds === undefined ? {} : { "retry-after": String(service.retryAfterSeconds) };
      exchange.answer(429, "", hint);
    } else return true;
    return false;
  }

  /** Charges a message to the quota; the one that would exceed it cuts everybody off. */
  #count(bytes: number): boolean {
    const { messageQuota } = this.simulation.settings.service;
    if (this.#messages >= messageQuota) {
      for (const name of this.#endpoints.keys()) this.#hubs(name)?.close({ error: texts.quota });
      return false;
    }
    this.#messages += Math.max(1, Math.ceil(bytes / MESSAGE_UNIT_BYTES));
    return true;
  }
}

function hasLongToken({ token }: Exchange): boolean {
  return token !== undefined && token.length > MAX_TOKEN_CHARS;
}
