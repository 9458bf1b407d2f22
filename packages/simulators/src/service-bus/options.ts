import { realClock, type SimulatorClock } from "../clock.ts";
import {
  queueSettings,
  topicSettings,
  type QueueOptions,
  type QueueSettings,
  type TopicOptions,
} from "./entity-options.ts";
import { choiceOption, numberOption } from "./option-checks.ts";
import type { CreditOptions } from "./throttle.ts";

/** A right that a shared access key gives. `Manage` includes the other two. */
export type Claim = "Send" | "Listen" | "Manage";

/** A shared access key of the namespace. */
export interface SharedAccessKey {
  readonly name: string;
  readonly key: string;
  readonly claims: readonly Claim[];
}

/** What the administration interface says of the namespace itself; nothing else depends on it. */
export interface NamespaceOptions {
  /** Default `Standard`. */
  readonly sku?: "Basic" | "Standard" | "Premium";
  /** Of the Premium tier. Default 1. */
  readonly messagingUnits?: number;
}

/** How a simulated namespace is set up. */
export interface ServiceBusOptions {
  /** The queues, by name or with settings. */
  readonly queues?: readonly (string | QueueOptions)[];
  /** The topics, by name or with settings, subscriptions among them. */
  readonly topics?: readonly (string | TopicOptions)[];
  /** Decides what `faults.probability` does; the same seed gives the same run. Default 1. */
  readonly seed?: number;
  /** Port for plain TCP on 127.0.0.1. Default 0: any free one. */
  readonly port?: number;
  /** Port for TLS on 127.0.0.1; matters with `tls` only. Default 0: any free one. */
  readonly tlsPort?: number;
  /**
   * A second port for TLS on 127.0.0.1, for clients that reach administration and AMQP over WebSocket at 443 only;
   * matters with `tls` only. Default: none.
   */
  readonly httpsPort?: number;
  /** Also listen for TLS, with a certificate made at start-up. Default false. */
  readonly tls?: boolean;
  /**
   * Listen for AMQP over WebSocket at ports of its own; with `tls`, over secure WebSocket too. The other ports take
   * WebSockets in any case. Default false.
   */
  readonly webSocket?: boolean;
  /** Shared access keys. Default: `RootManageSharedAccessKey` with all claims. */
  readonly keys?: readonly SharedAccessKey[];
  /** Throttling: when a window of one second is overspent, further requests meet error 50009. Default: none. */
  readonly credits?: CreditOptions;
  /** Distinct audiences of put-token requests that one connection may hold. Default 1000. */
  readonly maxTokensPerConnection?: number;
  /** How long each acceptance is held back, in milliseconds. Default 0. */
  readonly acknowledgementDelayMs?: number;
  /** Credit given to senders. Default 1000, the service's. */
  readonly linkCredit?: number;
  /**
   * How long a link may carry nothing before the service detaches it, in milliseconds. Default 600 000, the service's
   * ten minutes; Infinity for never.
   */
  readonly idleLinkTimeoutMs?: number;
  /**
   * How long a connection may be without a link to an entity before the service closes it, in milliseconds. Default
   * 300 000, the service's five minutes; Infinity for never.
   */
  readonly idleConnectionTimeoutMs?: number;
  /** How long a client that asks for the next session waits when it does not say, in milliseconds. Default 60 000. */
  readonly sessionWaitMs?: number;
  /** What the administration says of the namespace. Default: the Standard tier. */
  readonly namespace?: NamespaceOptions;
  /**
   * How far the service's wall clock is ahead of the machine's, in milliseconds; negative when it is behind. All that goes
   * on the wire as a time is off by it, and so are the expiry of tokens and scheduled times. Default 0.
   */
  readonly clockSkewMs?: number;
  /** Time, for tests that replace it. Default: real time. */
  readonly clock?: SimulatorClock;
}

/** {@link ServiceBusOptions} with every default filled in. */
export interface ServiceBusSettings extends Required<
  Omit<ServiceBusOptions, "queues" | "topics" | "credits" | "namespace" | "httpsPort">
> {
  readonly httpsPort: number | undefined;
  readonly queues: readonly QueueSettings[];
  readonly topics: readonly TopicOptions[];
  readonly credits: CreditOptions | undefined;
  readonly namespace: Required<NamespaceOptions>;
}

const defaultKey: SharedAccessKey = Object.freeze({
  name: "RootManageSharedAccessKey",
  key: "c2ltdWxhdGVkLWtleS1ub3QtYS1zZWNyZXQtMDEyMzQ1Njc4OQ==",
  claims: Object.freeze(["Send", "Listen", "Manage"] as const),
});

function sharedAccessKey(given: SharedAccessKey): SharedAccessKey {
  const known: readonly string[] = ["Send", "Listen", "Manage"];
  if (given.name === "" || given.key === "") {
    throw new TypeError("serviceBus: keys[] must have a name and a key, got an empty one");
  }
  const unknown = given.claims.find((claim) => !known.includes(claim));
  if (unknown !== undefined) {
    throw new TypeError(`serviceBus: keys[].claims must be among ${known.join(", ")}, got ${unknown}`);
  }
  return given;
}

/** Checks the options and fills in the defaults. Throws naming the option, its value and what is allowed. */
export function serviceBusSettings(options: ServiceBusOptions): ServiceBusSettings {
  const queues = (options.queues ?? []).map(queueSettings);
  const topics = (options.topics ?? []).map((topic) => (typeof topic === "string" ? { name: topic } : topic));
  const seen = new Set<string>();
  for (const { name } of [...queues, ...topics.map(topicSettings)]) {
    const key = name.toLowerCase();
    if (seen.has(key)) {
      throw new TypeError(`serviceBus: topics[].name and queues[].name must be unique, got "${name}" twice`);
    }
    seen.add(key);
  }
  const { credits, clock: givenClock = realClock } = options;
  const clockSkewMs = numberOption("clockSkewMs", options.clockSkewMs ?? 0, -86_400_000, 86_400_000, false);
  const clock: SimulatorClock =
    clockSkewMs === 0
      ? givenClock
      : {
          now: () => givenClock.now(),
          wallNow: () => givenClock.wallNow() + clockSkewMs,
          after: (ms, fire) => givenClock.after(ms, fire),
        };
  if (credits !== undefined) {
    numberOption("credits.perSecond", credits.perSecond, 1);
    numberOption("credits.perMessage", credits.perMessage ?? 1, 0, Infinity, false);
    numberOption("credits.perManagementCall", credits.perManagementCall ?? 10, 0, Infinity, false);
  }
  return Object.freeze({
    queues,
    topics,
    seed: numberOption("seed", options.seed ?? 1, 0, 4_294_967_295),
    port: numberOption("port", options.port ?? 0, 0, 65_535),
    tlsPort: numberOption("tlsPort", options.tlsPort ?? 0, 0, 65_535),
    httpsPort:
      options.httpsPort === undefined ? undefined : numberOption("httpsPort", options.httpsPort, 0, 65_535),
    tls: options.tls ?? false,
    webSocket: options.webSocket ?? false,
    keys: (options.keys ?? [defaultKey]).map(sharedAccessKey),
    credits,
    maxTokensPerConnection: numberOption(
      "maxTokensPerConnection",
      options.maxTokensPerConnection ?? 1_000,
      1,
    ),
    acknowledgementDelayMs: numberOption(
      "acknowledgementDelayMs",
      options.acknowledgementDelayMs ?? 0,
      0,
      Infinity,
      false,
    ),
    linkCredit: numberOption("linkCredit", options.linkCredit ?? 1_000, 1, 2_048),
    idleLinkTimeoutMs: numberOption(
      "idleLinkTimeoutMs",
      options.idleLinkTimeoutMs ?? 600_000,
      1,
      Infinity,
      false,
    ),
    idleConnectionTimeoutMs: numberOption(
      "idleConnectionTimeoutMs",
      options.idleConnectionTimeoutMs ?? 300_000,
      1,
      Infinity,
      false,
    ),
    sessionWaitMs: numberOption("sessionWaitMs", options.sessionWaitMs ?? 60_000, 1, Infinity, false),
    namespace: {
      sku: choiceOption("namespace.sku", options.namespace?.sku ?? "Standard", [
        "Basic",
        "Standard",
        "Premium",
      ]),
      messagingUnits: numberOption("namespace.messagingUnits", options.namespace?.messagingUnits ?? 1, 1, 64),
    },
    clockSkewMs,
    clock,
  });
}
