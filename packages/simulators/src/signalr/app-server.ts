import type { Certificate } from "../sockets/certificate.ts";
import { claimsForToken, identityOf } from "./claims.ts";
import { allTransports, Endpoint, type Caller } from "./endpoint.ts";
import type { Exchange } from "./http/exchange.ts";
import { claimsOf, verifyToken } from "./http/json-web-token.ts";
import { atStep } from "./http/request-step.ts";
import { HubSession } from "./hub-session.ts";
import type { Hub } from "./hub.ts";
import {
  endpointPath,
  type Authorization,
  type EndpointOptions,
  type HubEndpointOptions,
  type Identity,
  type RequestView,
} from "./options.ts";
import { echo, rawConnection, type RawHandler } from "./raw-connection.ts";
import { SimulatedServer } from "./server.ts";
import type { AzureService } from "./service.ts";
import type { Simulation } from "./simulation.ts";
import { MAX_TOKEN_CHARS, texts } from "./texts.ts";

/** What a route of one's own answers. */
export interface RouteAnswer {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

/** A request as a route sees it. */
export interface RouteRequest extends RequestView {
  /** Its whole body; undefined when the client went away. */
  body(): Promise<Buffer | undefined>;
}

/** Answers requests that are not SignalR's. */
export type RouteHandler = (request: RouteRequest) => RouteAnswer | Promise<RouteAnswer>;

/** Headers for an answer. */
export type HeaderSource = (request: RequestView) => Readonly<Record<string, string | string[]>>;

interface Mapping {
  readonly endpoint: Endpoint;
  /** Set when negotiating redirects to the service. */
  readonly redirect?: { readonly hub: Hub; readonly options: EndpointOptions };
}

/** The app server: hubs of its own or behind the service, raw endpoints, and routes. */
export class AppServer extends SimulatedServer {
  readonly #service: AzureService;
  readonly #mappings = new Map<string, Mapping>();
  readonly #routes: { method: string; path: string; handler: RouteHandler }[] = [];
  readonly #headers: HeaderSource[] = [];
  #closesClients = true;

  /** @internal */
  constructor(simulation: Simulation, service: AzureService, certificate: Certificate | undefined) {
    const { port, tlsPort } = simulation.settings;
    super(simulation, "app", { http: port, https: tlsPort }, certificate);
    this.#service = service;
  }

  /** Serves a hub at a path; the same hub may be served at several. */
  mapHub(path: string, hub: Hub, options: HubEndpointOptions = {}): void {
    const endpoint = this.#endpoint(hub.name, options, (connection) => {
      const session = new HubSession(hub, connection, { clientsMayInvoke: true });
      if (options.closeOnExpiry) connection.watchExpiry(() => session.close({ allowReconnect: true }));
    });
    const redirects = (options.hosting ?? "azure") === "azure";
    this.#mappings.set(endpointPath(path).toLowerCase(), {
      endpoint,
      ...(redirects ? { redirect: { hub, options } } : {}),
    });
  }

  /** Serves connections without hub protocol at a path. @param handler - default: sends back what arrives */
  mapRaw(path: string, options: EndpointOptions = {}, handler: RawHandler = echo): void {
    const endpoint = this.#endpoint(endpointPath(path), options, (connection) => {
      if (connection.entry !== undefined) connection.entry.openedAt = connection.entry.at;
      if (options.closeOnExpiry) connection.watchExpiry(() => connection.end("server"));
      handler(rawConnection(connection));
    });
    this.#mappings.set(path.toLowerCase(), { endpoint });
  }

  /** Answers requests at a path and below it, before anything else does. @param method - `*` for any */
  route(method: string, path: string, handler: RouteHandler): void {
    this.#routes.push({ method: method.toUpperCase(), path: path.toLowerCase(), handler });
  }

  /** Adds headers to the answers of this server (not to a WebSocket's opening): cookies for example. */
  addHeaders(source: HeaderSource): void {
    this.#headers.push(source);
  }

  /**
   * Stops listening and destroys every socket. Its connections to the service end too, and with them the clients that
   * the service routed to it.
   * @param keepClients - leaves those connected. Default false.
   */
  override async stop({ keepClients = false }: { keepClients?: boolean } = {}): Promise<void> {
    this.#closesClients = !keepClients;
    await super.stop();
  }

  override async start(): Promise<void> {
    await super.start();
    this.#service.connectServers();
  }

  /** @internal */
  protected override handle(exchange: Exchange): void {
    for (const source of this.#headers) exchange.addHeaders(source(exchange));
    if (exchange.method === "OPTIONS") {
      exchange.answer(204);
      return;
    }
    const path = exchange.path.toLowerCase();
    const route = this.#routes.find(
      (each) =>
        (each.method === "*" || each.method === exchange.method) &&
        (path === each.path || path.startsWith(`${each.path}/`)),
    );
    if (route !== undefined) {
      void this.#answer(exchange, route.handler);
      return;
    }
    const negotiates = path.endsWith("/negotiate");
    const mapping = this.#mappings.get(negotiates ? path.slice(0, -"/negotiate".length) : path);
    if (mapping === undefined) {
      exchange.text(404, "");
      return;
    }
    const { endpoint, redirect } = mapping;
    exchange.entry.hub ??= endpoint.settings.hub;
    if (negotiates) {
      exchange.addHeaders(affinityCookies(this.simulation.settings.cookies));
      atStep(this.simulation, exchange, "app-negotiate", endpoint.settings.hub, () => {
        if (redirect === undefined) endpoint.negotiate(exchange);
        else this.#redirect(exchange, redirect.hub, redirect.options);
      });
    } else if (redirect === undefined) endpoint.handle(exchange);
    // The client skipped negotiation: with the service in between there is nothing to connect to here.
    else exchange.text(404, "");
  }

  /** @internal */
  protected override forget(): void {
    for (const { endpoint } of this.#mappings.values()) endpoint.forget();
    if (this.#closesClients) this.#service.disconnectServers();
    this.#closesClients = true;
  }

  #endpoint(
    hub: string,
    options: EndpointOptions,
    application: Endpoint["settings"]["application"],
  ): Endpoint {
    return new Endpoint(this.simulation, {
      server: "app",
      hub,
      transports: options.transports ?? allTransports,
      minimumNegotiateVersion: options.minimumNegotiateVersion ?? 0,
      statefulReconnect: options.statefulReconnect ?? false,
      closeOnExpiry: options.closeOnExpiry ?? false,
      connectWindowMs: this.simulation.settings.disconnectTimeoutMs,
      authorize: (exchange) => this.#authorize(exchange, options),
      admit: () => true,
      application,
    });
  }

  async #answer(exchange: Exchange, handler: RouteHandler): Promise<void> {
    try {
      const { status = 200, headers = {}, body = "" } = await handler(exchange);
      exchange.answer(status, typeof body === "string" ? body : Buffer.from(body), headers);
    } catch (error) {
      exchange.text(500, String(error));
    }
  }

  #authorize(exchange: Exchange, options: EndpointOptions): Caller | undefined {
    const expiresAt = bearerExpiry(exchange, options.authorization);
    if (typeof expiresAt === "string") {
      exchange.answer(401, "", { "www-authenticate": expiresAt });
      return undefined;
    }
    return { ...identify(exchange, options), expiresAt };
  }

  /** What `AddAzureSignalR` does of `POST …/negotiate`. */
  #redirect(exchange: Exchange, hub: Hub, options: EndpointOptions): void {
    const caller = exchange.method === "POST" ? this.#authorize(exchange, options) : undefined;
    if (caller === undefined) {
      exchange.text(405, "");
      return;
    }
    if (!this.#service.isConnected) {
      exchange.text(500, texts.notConnected);
      return;
    }
    const query = new URLSearchParams({ "asrs.op": exchange.path.replace(/\/negotiate$/i, "") });
    // The SDK passes on what the client asked with: a `hub` among it is the second one in the address.
    for (const [name, value] of exchange.query) {
      if (name !== "negotiateVersion" && name !== "useStatefulReconnect") query.append(name, value);
    }
    const { url, accessToken } = this.#service.clientAccess(hub.name, {
      secure: exchange.origin.startsWith("https:"),
      userId: caller.userId,
      claims: claimsForToken(caller.claims ?? {}),
    });
    if (accessToken.length > MAX_TOKEN_CHARS) {
      exchange.text(413, texts.tokenTooLong);
      return;
    }
    exchange.json({
      negotiateVersion: 0,
      url: `${url}&${query.toString()}`,
      accessToken,
      availableTransports: [],
    });
  }
}

function affinityCookies(cookies: Readonly<Record<string, string>>): Record<string, string[]> {
  const set = Object.entries(cookies).map(([name, value]) => `${name}=${value}; path=/; HttpOnly`);
  return set.length === 0 ? {} : { "set-cookie": set };
}

/** When the caller's token expires; the challenge of a 401 when it has none that is good. */
function bearerExpiry(exchange: Exchange, authorization: Authorization | undefined): number | string {
  const exp = claimsOf(exchange.token ?? "")?.["exp"];
  if (authorization === undefined) return typeof exp === "number" ? exp * 1_000 : Infinity;
  if (exchange.token === undefined) return "Bearer";
  const verdict = verifyToken(exchange.token, [authorization.key], Date.now());
  if (!verdict.valid) return `Bearer error="invalid_token", error_description="${verdict.because}"`;
  const { aud, iss } = verdict.claims;
  if (authorization.audience !== undefined && aud !== authorization.audience) {
    return 'Bearer error="invalid_token", error_description="The audience is invalid"';
  }
  if (authorization.issuer !== undefined && iss !== authorization.issuer) {
    return 'Bearer error="invalid_token", error_description="The issuer is invalid"';
  }
  return typeof exp === "number" ? exp * 1_000 : Infinity;
}

function identify(exchange: Exchange, options: EndpointOptions): Identity {
  if (options.identify !== undefined) return options.identify(exchange);
  return exchange.token === undefined ? {} : identityOf(claimsOf(exchange.token) ?? {});
}
