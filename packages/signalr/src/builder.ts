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
import { blueprintOf } from "./blueprint.ts";
import { HttpSource } from "./http-source.ts";
import { HubConnection, type Making } from "./hub-connection.ts";
import { resilienceFrom, type Resilience, type ResilienceOptions } from "./resilience.ts";
import type { UserPolicy } from "./user-policy.ts";

/** The official builder, as it is; its types alone would lose ours in a chain of calls. */
export interface ChainedBuilder extends OfficialBuilder {
  configureLogging(logging: LogLevel | string | ILogger): this;
  withUrl(url: string, transportTypeOrOptions?: IHttpConnectionOptions | HttpTransportType): this;
  withHubProtocol(protocol: IHubProtocol): this;
  withAutomaticReconnect(retryDelaysOrReconnectPolicy?: number[] | IRetryPolicy): this;
  withServerTimeout(milliseconds: number): this;
  withKeepAliveInterval(milliseconds: number): this;
  withStatefulReconnect(options?: IStatefulReconnectOptions): this;
}

const Chained = OfficialBuilder as new () => ChainedBuilder;

/**
 * The official `HubConnectionBuilder`, building connections that come back. Every official option means what it means
 * there; `withAutomaticReconnect()` says how fast, not whether.
 */
export class HubConnectionBuilder extends Chained {
  #userPolicy: UserPolicy;
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

  /** How fast to reconnect; see the table in the README. That it is done needs no asking here. */
  override withAutomaticReconnect(retryDelaysOrReconnectPolicy?: number[] | IRetryPolicy): this {
    this.#userPolicy = retryDelaysOrReconnectPolicy;
    return super.withAutomaticReconnect(retryDelaysOrReconnectPolicy);
  }

  /**
   * @throws HoldfastError `misconfigured` for what cannot work behind Azure SignalR: `skipNegotiation`, and a `hub` parameter
   * in the URL. `selfHosted: true` allows both.
   */
  override build(): HubConnection {
    // Also in front of ours: it throws for what is missing, in its own words.
    const official = super.build();
    const resilience = this.#resilience;
    if (resilience === undefined || isBypassed()) {
      return Object.assign(official, {
        [Symbol.asyncDispose]: () => official.stop(),
      }) as unknown as HubConnection;
    }
    const blueprint = blueprintOf(this, official.baseUrl);
    const { httpClient, logger, skipNegotiation } = blueprint.httpConnectionOptions ?? {};
    if (!resilience.selfHosted) checkForAzure(official.baseUrl, skipNegotiation);
    // SR-32: one lost ping must not end a connection.
    if (official.serverTimeoutInMilliseconds < 2 * official.keepAliveIntervalInMilliseconds) {
      warnAloud("The server timeout is below two keep-alive intervals: one lost ping ends the connection.");
    }
    // The builder's logger has become an option by now.
    const source = new HttpSource(httpClient, (typeof logger === "object" && logger) || NullLogger.instance);
    const making: Making = { official, blueprint, resilience, userPolicy: this.#userPolicy, source };
    return new HubConnection(making);
  }
}

function checkForAzure(url: string, skipNegotiation: boolean | undefined): void {
  if (skipNegotiation === true) {
    // SR-21: the app server answers 404, because it hands clients to the service in its negotiation.
    throw badOption("skipNegotiation", true, allowed("skipNegotiation"));
  }
  const hubs = url.match(/[?&]hub=/gi)?.length ?? 0;
  // SR-15: the service is sent the client's query behind its own `hub`; only its own address may carry one.
  const isService = /\/client\/?\?/.test(url);
  if (hubs > (isService ? 1 : 0)) {
    throw badOption("withUrl", url.replace(/\?.*$/, "?…"), allowed("withUrl"));
  }
}
