import {
  HubConnectionBuilder as OfficialBuilder,
  NullLogger,
  type HttpTransportType,
  type IHttpConnectionOptions,
  type IHubProtocol,
  type ILogger,
  type IRetryPolicy,
  type IStatefulReconnectOptions,
  type LogLevel,
} from "@microsoft/signalr";
import { badOption } from "@holdfast/core";
import { allowed, isBypassed, warnAloud } from "#platform";
import { HttpSource } from "./http-source.ts";
import { HubConnection, type Making } from "./hub-connection.ts";
import { resilienceFrom, type Resilience, type ResilienceOptions } from "./resilience.ts";
import type { UserPolicy } from "./user-policy.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The official `HubConnectionBuilder`, building connections that come back. Every official option means what it means
 * there; `withAutomaticReconnect()` says how fast, not whether.
 */
export class HubConnectionBuilder extends OfficialBuilder {
  readonly #steps: ((builder: OfficialBuilder) => unknown)[] = [];
  #given: { url: string; options: IHttpConnectionOptions } | undefined;
  #protocol: IHubProtocol | undefined;
  #userPolicy: UserPolicy;
  readonly #timeouts: Mutable<Making["blueprint"]["timeouts"]> = {};
  #resilience: Resilience | undefined = resilienceFrom({});

  /**
   * How the connection holds; left out: the defaults. `false`: the official client's own behaviour, unchanged; so does the
   * environment variable `HOLDFAST_BYPASS=1` for every connection of the process, for incidents.
   *
   * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
   */
  withResilience(options: ResilienceOptions | false): this {
    this.#resilience = options === false ? undefined : resilienceFrom(options);
    return this;
  }

  override configureLogging(logging: LogLevel | string | ILogger): this {
    this.#steps.push((builder) => builder.configureLogging(logging as ILogger));
    super.configureLogging(logging as ILogger);
    return this;
  }

  override withUrl(url: string, transportTypeOrOptions?: IHttpConnectionOptions | HttpTransportType): this {
    super.withUrl(url, transportTypeOrOptions as IHttpConnectionOptions);
    const more =
      typeof transportTypeOrOptions === "object"
        ? transportTypeOrOptions
        : transportTypeOrOptions === undefined
          ? {}
          : { transport: transportTypeOrOptions };
    this.#given = { url, options: { ...this.#given?.options, ...more } };
    return this;
  }

  override withHubProtocol(protocol: IHubProtocol): this {
    super.withHubProtocol(protocol);
    this.#protocol = protocol;
    return this;
  }

  /** How fast to reconnect; see the table in the README. That it is done needs no asking here. */
  override withAutomaticReconnect(retryDelaysOrReconnectPolicy?: number[] | IRetryPolicy): this {
    super.withAutomaticReconnect(retryDelaysOrReconnectPolicy as number[]);
    this.#userPolicy = retryDelaysOrReconnectPolicy;
    return this;
  }

  override withServerTimeout(milliseconds: number): this {
    super.withServerTimeout(milliseconds);
    this.#timeouts.serverTimeoutInMilliseconds = milliseconds;
    return this;
  }

  override withKeepAliveInterval(milliseconds: number): this {
    super.withKeepAliveInterval(milliseconds);
    this.#timeouts.keepAliveIntervalInMilliseconds = milliseconds;
    return this;
  }

  override withStatefulReconnect(options?: IStatefulReconnectOptions): this {
    this.#steps.push((builder) => builder.withStatefulReconnect(options));
    super.withStatefulReconnect(options);
    return this;
  }

  /**
   * @throws HoldfastError `misconfigured` for what cannot work behind Azure SignalR: `skipNegotiation`, and a `hub` parameter
   * in the URL. `selfHosted: true` allows both.
   */
  override build(): HubConnection {
    // Also in front of ours: it throws for what is missing, in its own words.
    const official = super.build();
    const given = this.#given;
    if (this.#resilience === undefined || given === undefined || isBypassed()) {
      return Object.assign(official, {
        [Symbol.asyncDispose]: () => official.stop(),
      }) as unknown as HubConnection;
    }
    if (!this.#resilience.selfHosted) checkForAzure(given.url, given.options);
    // SR-32: one lost ping must not end a connection.
    if (official.serverTimeoutInMilliseconds < 2 * official.keepAliveIntervalInMilliseconds) {
      warnAloud(
        "The server timeout is shorter than two keep-alive intervals: a single lost ping ends the connection.",
      );
    }
    const { httpClient, transport, ...options } = given.options;
    const source = new HttpSource(httpClient, this.#logger(options.logger));
    const making: Making = {
      source,
      resilience: this.#resilience,
      userPolicy: this.#userPolicy,
      blueprint: {
        ...{ url: absolute(given.url, official.baseUrl), options, transport, protocol: this.#protocol },
        ...{ timeouts: { ...this.#timeouts }, steps: [...this.#steps] },
      },
    };
    return new HubConnection(making);
  }

  /** What the official client would log its requests to. */
  #logger(given: ILogger | LogLevel | undefined): ILogger {
    if (typeof given === "object") return given;
    const own = given === undefined ? (this as unknown as { logger?: ILogger }).logger : undefined;
    return own ?? NullLogger.instance;
  }
}

/** A relative URL is made absolute by the page, once. */
function absolute(given: string, resolved: string): string {
  return /^https?:\/\//.test(given) ? given : resolved;
}

function checkForAzure(url: string, { skipNegotiation }: IHttpConnectionOptions): void {
  if (skipNegotiation === true) {
    // SR-21: the app server answers 404, because it hands clients to the service in its negotiation.
    throw badOption("skipNegotiation", true, allowed("skipNegotiation"));
  }
  const [, query = ""] = url.split("?");
  const hubs = new URLSearchParams(query).getAll("hub").length;
  // SR-15: the service is sent the client's query behind its own `hub`; only its own address may carry one.
  const isService = /\/client\/?\?/.test(url);
  if (hubs > (isService ? 1 : 0)) {
    throw badOption("withUrl", url.replace(/\?.*$/, "?…"), allowed("withUrl"));
  }
}
