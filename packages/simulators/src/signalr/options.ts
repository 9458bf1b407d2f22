import { realClock, type SimulatorClock } from "../clock.ts";
import type { Claims } from "./http/json-web-token.ts";

/** A transport, as negotiate responses call it. */
export type TransportName = "WebSockets" | "ServerSentEvents" | "LongPolling";

/** Who is at the other end of a request. */
export interface Identity {
  readonly userId?: string;
  /** Further claims about the user; they go into the token for the service. */
  readonly claims?: Claims;
}

/** A request as the hooks of the options and a hub's methods see it. */
export interface RequestView {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Who may connect to a self-hosted endpoint: bearers of a token signed with this key. */
export interface Authorization {
  /** The HMAC SHA-256 key. */
  readonly key: string;
  /** Default: any. */
  readonly audience?: string;
  /** Default: any. */
  readonly issuer?: string;
}

/** An endpoint of the app server. */
export interface EndpointOptions {
  /** Default: all three. */
  readonly transports?: readonly TransportName[];
  /** Default: anybody. */
  readonly authorization?: Authorization;
  /** Close a connection with `allowReconnect` when its token expires. Default false. */
  readonly closeOnExpiry?: boolean;
  /** Whether clients may ask for stateful reconnect. Default false. */
  readonly statefulReconnect?: boolean;
  /** The oldest version of the negotiate protocol that is spoken. Default 0. */
  readonly minimumNegotiateVersion?: number;
  /** Who the caller is. Default: `nameid` or `sub` of a bearer token, unchecked; its other claims are passed on. */
  readonly identify?: (request: RequestView) => Identity;
}

/** An endpoint that serves a hub. */
export interface HubEndpointOptions extends EndpointOptions {
  /** `azure`: negotiating redirects to the service, with a token. `self`: the app server does it. Default `azure`. */
  readonly hosting?: "azure" | "self";
}

/** A hub and where it is served. */
export interface HubOptions extends HubEndpointOptions {
  readonly name: string;
  /** Default `/` and the name. */
  readonly path?: string;
  /** Tell clients what a method threw, even if it is no `HubException`. Default false, as in ASP.NET Core. */
  readonly detailedErrors?: boolean;
  /** Invocations of one client that run at a time. Default 1, as in ASP.NET Core. */
  readonly maximumParallelInvocations?: number;
  /** Bytes that a client's message may have. Default 32 768, as in ASP.NET Core; `Infinity` for any. */
  readonly maximumReceiveMessageSize?: number;
  /** Protocols offered. Default both. */
  readonly protocols?: readonly ("json" | "messagepack")[];
}

/** Azure SignalR Service. */
export interface ServiceOptions {
  /** `serverless`: needs no server connection, and clients that send are disconnected. Default `default`. */
  readonly mode?: "default" | "serverless";
  /** Free: 20 connections. Standard: 1000 for each unit. Default Standard. */
  readonly tier?: "Free" | "Standard";
  /** Default 1. */
  readonly units?: number;
  /** Overrides what tier and units allow; clients and server connections both count. */
  readonly maxConnections?: number;
  /** Connections that the app server keeps to the service. Default 5, none in serverless mode. */
  readonly serverConnections?: number;
  /** Seconds for the header `Retry-After` of a 429. Default: no such header. */
  readonly retryAfterSeconds?: number;
  /** Outgoing messages (of 2 KB) until the quota is spent. Default: none. */
  readonly messageQuota?: number;
  /** Access keys. Default: the emulator's. */
  readonly accessKeys?: readonly string[];
  /** Whether clients may ask for stateful reconnect. Default true. */
  readonly statefulReconnect?: boolean;
  /** How long a token of the redirect is good, in milliseconds. Default 3 600 000. */
  readonly tokenLifetimeMs?: number;
  /** Close connections with `allowReconnect` when their token expires. Default false. */
  readonly closeOnExpiry?: boolean;
  /** How long after negotiate a client may connect, in milliseconds. Default 5 000. */
  readonly connectWindowMs?: number;
}

/** Versions of TLS that a server speaks. Default: what Node speaks, 1.2 and 1.3. */
export interface TlsVersions {
  readonly minVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  readonly maxVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
}

/** How the two simulated servers are set up. */
export interface SignalROptions {
  /** By name or with settings. */
  readonly hubs?: readonly (string | HubOptions)[];
  readonly service?: ServiceOptions;
  /** Port of the app server on 127.0.0.1. Default 0: any free one. */
  readonly port?: number;
  /** Port of the service on 127.0.0.1. Default 0: any free one. */
  readonly servicePort?: number;
  /**
   * Also serve HTTPS, on ports of its own, with a certificate made at start-up; an object says which versions of TLS it
   * speaks. Default false.
   */
  readonly tls?: boolean | TlsVersions;
  /** Port of the app server for HTTPS, with `tls`. Default 0: any free one. */
  readonly tlsPort?: number;
  /** Port of the service for HTTPS, with `tls`. Default 0: any free one. */
  readonly serviceTlsPort?: number;
  /** Origins that scripts may call from. Default: any, with credentials. `false`: no CORS headers at all. */
  readonly cors?: readonly string[] | boolean;
  /** Response headers that scripts may read. Default none. */
  readonly exposedHeaders?: readonly string[];
  /** Set by the app server with each negotiate, as a load balancer's affinity cookie is. Default none. */
  readonly cookies?: Readonly<Record<string, string>>;
  /** Silence after which a ping is sent, in milliseconds; `Infinity` for never. Default 15 000. */
  readonly keepAliveMs?: number;
  /** Silence of a client after which it is given up, in milliseconds. Default 30 000. */
  readonly clientTimeoutMs?: number;
  /** Default 15 000. */
  readonly handshakeTimeoutMs?: number;
  /** How long a poll is held, in milliseconds. Default 90 000. */
  readonly pollTimeoutMs?: number;
  /** How long a long-polling client may be without a poll, or a resumable one without a socket. Default 15 000. */
  readonly disconnectTimeoutMs?: number;
  /** Bytes kept for a resumable connection before sending waits for acknowledgements. Default 100 000. */
  readonly statefulBufferBytes?: number;
  /** Divides every duration of these options, defaults included: 60 makes an hour a minute. Default 1. */
  readonly clockFactor?: number;
  /** Whether the journal keeps every hub message. Default true; turn it off to measure throughput. */
  readonly journalMessages?: boolean;
  /** Decides what `faults.probability` does; the same seed gives the same run. Default 1. */
  readonly seed?: number;
  /** Time, for tests that replace it. Default: real time. */
  readonly clock?: SimulatorClock;
}

/** {@link ServiceOptions} with every default filled in. */
export interface ServiceSettings extends Required<
  Omit<ServiceOptions, "tier" | "units" | "retryAfterSeconds">
> {
  readonly retryAfterSeconds: number | undefined;
}

/** {@link SignalROptions} with every default filled in, durations scaled. */
export interface SignalRSettings extends Required<Omit<SignalROptions, "hubs" | "service" | "clockFactor">> {
  readonly hubs: readonly HubOptions[];
  readonly service: ServiceSettings;
}

const EMULATOR_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

function number(option: string, value: number, min: number, max = Infinity): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  const range = max === Infinity ? `at least ${String(min)}` : `between ${String(min)} and ${String(max)}`;
  throw new RangeError(`signalr: ${option} must be ${range}, got ${String(value)}`);
}

function integer(option: string, value: number, min: number, max = Infinity): number {
  if (Number.isInteger(value) || value === Infinity) return number(option, value, min, max);
  throw new RangeError(`signalr: ${option} must be an integer, got ${String(value)}`);
}

/** The emulator's rule for hub names. */
export function hubName(value: unknown): string {
  if (typeof value === "string" && /^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$/.test(value)) return value;
  throw new TypeError(
    `signalr: hubs[].name must begin with a letter and have up to 128 letters, digits or _\`,.[], got ${JSON.stringify(value)}`,
  );
}

/** A path of the app server, without a final slash. */
export function endpointPath(value: string): string {
  if (/^\/[^?#\s]*[^?#\s/]$/.test(value)) return value;
  throw new TypeError(
    `signalr: a path must begin with "/" and have neither query nor final "/", got ${JSON.stringify(value)}`,
  );
}

function serviceSettings(
  options: ServiceOptions,
  scaled: (name: string, ms: number) => number,
): ServiceSettings {
  const mode = options.mode ?? "default";
  const units = integer("service.units", options.units ?? 1, 1, 100);
  const accessKeys = options.accessKeys ?? [EMULATOR_KEY];
  if (accessKeys.length === 0 || accessKeys.includes("")) {
    throw new TypeError("signalr: service.accessKeys must be one or more keys, got none or an empty one");
  }
  return Object.freeze({
    mode,
    maxConnections: integer(
      "service.maxConnections",
      options.maxConnections ?? (options.tier === "Free" ? 20 : units * 1_000),
      0,
    ),
    serverConnections: integer(
      "service.serverConnections",
      options.serverConnections ?? (mode === "serverless" ? 0 : 5),
      0,
    ),
    retryAfterSeconds: options.retryAfterSeconds,
    messageQuota: integer("service.messageQuota", options.messageQuota ?? Infinity, 0),
    accessKeys,
    statefulReconnect: options.statefulReconnect ?? true,
    closeOnExpiry: options.closeOnExpiry ?? false,
    tokenLifetimeMs: scaled("service.tokenLifetimeMs", options.tokenLifetimeMs ?? 3_600_000),
    connectWindowMs: scaled("service.connectWindowMs", options.connectWindowMs ?? 5_000),
  });
}

/** Checks the options and fills in the defaults. Throws naming the option, its value and what is allowed. */
export function signalRSettings(options: SignalROptions): SignalRSettings {
  const factor = number("clockFactor", options.clockFactor ?? 1, 0.001);
  const scaled = (name: string, ms: number): number => number(name, ms, 1) / factor;
  const hubs = (options.hubs ?? []).map((hub) => (typeof hub === "string" ? { name: hub } : hub));
  const seen = new Set<string>();
  for (const hub of hubs) {
    const key = hubName(hub.name).toLowerCase();
    if (seen.has(key)) throw new TypeError(`signalr: hubs[].name must be unique, got "${hub.name}" twice`);
    seen.add(key);
    integer(`hub "${hub.name}": maximumReceiveMessageSize`, hub.maximumReceiveMessageSize ?? 1, 1);
    integer(`hub "${hub.name}": maximumParallelInvocations`, hub.maximumParallelInvocations ?? 1, 1);
  }
  return Object.freeze({
    hubs,
    service: serviceSettings(options.service ?? {}, scaled),
    port: integer("port", options.port ?? 0, 0, 65_535),
    servicePort: integer("servicePort", options.servicePort ?? 0, 0, 65_535),
    tls: options.tls ?? false,
    tlsPort: integer("tlsPort", options.tlsPort ?? 0, 0, 65_535),
    serviceTlsPort: integer("serviceTlsPort", options.serviceTlsPort ?? 0, 0, 65_535),
    cors: options.cors ?? true,
    exposedHeaders: options.exposedHeaders ?? [],
    cookies: options.cookies ?? {},
    keepAliveMs: scaled("keepAliveMs", options.keepAliveMs ?? 15_000),
    clientTimeoutMs: scaled("clientTimeoutMs", options.clientTimeoutMs ?? 30_000),
    handshakeTimeoutMs: scaled("handshakeTimeoutMs", options.handshakeTimeoutMs ?? 15_000),
    pollTimeoutMs: scaled("pollTimeoutMs", options.pollTimeoutMs ?? 90_000),
    disconnectTimeoutMs: scaled("disconnectTimeoutMs", options.disconnectTimeoutMs ?? 15_000),
    statefulBufferBytes: integer("statefulBufferBytes", options.statefulBufferBytes ?? 100_000, 0),
    journalMessages: options.journalMessages ?? true,
    seed: integer("seed", options.seed ?? 1, 0, 4_294_967_295),
    clock: options.clock ?? realClock,
  });
}
