import {
  badOption,
  systemClock,
  systemRandom,
  type Classify,
  type Clock,
  type FaultRow,
  type Policy,
  type Random,
} from "@holdfast/core";
import { callOptionsFrom, type CallOptions, type CallSettings } from "./call-options.ts";
import { classifySignalR } from "./classify.ts";
import type { HubConnection } from "./hub-connection.ts";
import type { SignalREventListener } from "./events.ts";
import { signalrPolicies, type SignalROperation } from "./operations.ts";
import { evidenceOf } from "./wire.ts";

/** The part of `policies({...})` that a connection reads; a registry shared with other services fits too. */
export interface PolicySource {
  lookup(operation: string): Policy | undefined;
  readonly operations: readonly string[];
}

/** What the re-join hook is told. */
export interface Joining {
  /** Undefined with `skipNegotiation`. */
  readonly connectionId: string | undefined;
  /** False for the first connection after `start()`. */
  readonly isReconnect: boolean;
}

/** What `withResilience()` takes; every field may be left out. */
export interface ResilienceOptions extends CallOptions {
  /** Policies by operation key, from `signalrPolicies()` or `policies()`. */
  readonly policies?: PolicySource;
  /**
   * How long the socket or event stream may take to open, in milliseconds. Default 4000; 100 to 4999, because the service
   * forgets a negotiation after 5 s.
   */
  readonly connectTimeoutMs?: number;
  /**
   * Other transports than WebSockets: never (false, the default), always, or after so many attempts in a row that found no
   * WebSocket. A transport given to `withUrl()` goes before this.
   */
  readonly fallback?: boolean | { readonly afterFailures: number };
  /** Whether a server that closes the connection without allowing a reconnection is obeyed. Default "always": reconnect. */
  readonly onServerClose?: "always" | "if-allowed";
  /** The server is not behind Azure SignalR: `skipNegotiation` and a `hub` parameter are allowed. Default false. */
  readonly selfHosted?: boolean;
  /**
   * Called after every (re)connection, before calls that wait go out: to join groups again, for example. When it rejects, or
   * takes longer than the policy's `attemptTimeoutMs`, the connection counts as failed and is made anew.
   */
  readonly rejoin?: (connection: HubConnection, joining: Joining) => unknown;
  /** Renews a connection over server-sent events or long polling before its token ends. Default true. */
  readonly renewBeforeExpiry?: boolean;
  /** In browsers: holds a Web Lock of this name while started, so that the page is not put to sleep. Off by default. */
  readonly webLock?: string;
  /** Warns once when more connections than this live in the process. Default 10; 1 or more, or Infinity. */
  readonly warnAboveConnections?: number;
  /** Rows tried before Holdfast's own when an error is classified. */
  readonly faults?: readonly FaultRow[];
  /** Receives every event, synchronously; what it throws is ignored. */
  readonly onEvent?: SignalREventListener;
  /** For tests: the time of our own waits (the official client's timers keep real time). */
  readonly clock?: Clock;
  /** For tests: where jitter comes from. */
  readonly random?: Random;
}

/** {@link ResilienceOptions}, complete. */
export interface Resilience {
  readonly policy: (operation: SignalROperation) => Policy;
  readonly connectTimeoutMs: number;
  /** Undefined: never. */
  readonly fallbackAfter: number | undefined;
  readonly onServerClose: "always" | "if-allowed";
  readonly selfHosted: boolean;
  readonly rejoin: ResilienceOptions["rejoin"];
  readonly renewBeforeExpiry: boolean;
  readonly webLock: string | undefined;
  readonly warnAboveConnections: number;
  readonly calls: CallSettings;
  /** Looks also at what the wire saw of the error. */
  readonly classify: Classify;
  readonly onEvent: SignalREventListener | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const known = [
  "policies",
  "connectTimeoutMs",
  "fallback",
  "onServerClose",
  "selfHosted",
  "rejoin",
  "renewBeforeExpiry",
  "webLock",
  "warnAboveConnections",
  "whileDown",
  "waitTimeoutMs",
  "maxWaiting",
  "idempotent",
  "invokeTimeoutMs",
  "faults",
  "onEvent",
  "clock",
  "random",
];

/**
 * Validates and completes.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function resilienceFrom(options: ResilienceOptions): Resilience {
  if (typeof options !== "object" || (options as unknown) === null) {
    throw badOption("resilience", options, "an object, or false");
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw badOption("resilience", key, `made of ${known.join(", ")}`);
  }
  const { connectTimeoutMs = 4_000, onServerClose = "always", warnAboveConnections = 10 } = options;
  const { selfHosted = false, renewBeforeExpiry = true, rejoin, onEvent, webLock } = options;
  if (!(connectTimeoutMs >= 100 && connectTimeoutMs < 5_000)) {
    throw badOption("resilience.connectTimeoutMs", connectTimeoutMs, "from 100 to 4999 milliseconds");
  }
  if (!["always", "if-allowed"].includes(onServerClose)) {
    throw badOption("resilience.onServerClose", onServerClose, '"always" or "if-allowed"');
  }
  if (!(warnAboveConnections >= 1)) {
    throw badOption("resilience.warnAboveConnections", warnAboveConnections, "1 or more, or Infinity");
  }
  for (const [name, value] of Object.entries({ selfHosted, renewBeforeExpiry })) {
    if (typeof value !== "boolean") throw badOption(`resilience.${name}`, value, "true or false");
  }
  for (const [name, value] of Object.entries({ rejoin, onEvent })) {
    if (value !== undefined && typeof value !== "function") {
      throw badOption(`resilience.${name}`, value, "a function");
    }
  }
  if (webLock !== undefined && (typeof webLock !== "string" || webLock === "")) {
    throw badOption("resilience.webLock", webLock, "the name of a lock");
  }
  const defaults = signalrPolicies();
  checkOperations(options.policies, defaults.operations);
  const classify = classifySignalR(options.faults);
  return {
    ...{ connectTimeoutMs, onServerClose, selfHosted, rejoin, renewBeforeExpiry, webLock },
    ...{ warnAboveConnections, onEvent },
    policy: (operation) => (options.policies?.lookup(operation) ?? defaults.lookup(operation)) as Policy,
    fallbackAfter: fallbackFrom(options.fallback ?? false),
    calls: callOptionsFrom(options),
    classify: (error, wallNowMs) => classify(evidenceOf(error), wallNowMs),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

function fallbackFrom(fallback: NonNullable<ResilienceOptions["fallback"]>): number | undefined {
  if (typeof fallback === "boolean") return fallback ? 0 : undefined;
  const { afterFailures } = fallback;
  if (Number.isInteger(afterFailures) && afterFailures >= 1) return afterFailures;
  throw badOption("resilience.fallback.afterFailures", afterFailures, "a whole number, 1 or more");
}

/** A misspelt key would silently leave the default in force. */
function checkOperations(source: PolicySource | undefined, operations: readonly string[]): void {
  if (source === undefined) return;
  if (typeof source.lookup !== "function") {
    throw badOption("resilience.policies", source, "made by signalrPolicies() or policies()");
  }
  const stray = source.operations.find((key) => key.startsWith("signalr.") && !operations.includes(key));
  if (stray !== undefined) throw badOption("resilience.policies", stray, `keyed by ${operations.join(", ")}`);
}
