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
import { allowed } from "#platform";
import { callSettings, type CallOptions, type CallSettings } from "./call-options.ts";
import { classifySignalR } from "./classify.ts";
import type { HubConnection } from "./hub-connection.ts";
import type { SignalREventListener } from "./events.ts";
import { defaultPolicies, type PolicyData, type SignalROperation } from "./operations.ts";
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
  readonly policy: (operation: SignalROperation) => PolicyData;
  readonly connectTimeoutMs: number;
  /** Undefined: never. */
  readonly fallbackAfter: number | undefined;
  readonly onServerClose: "always" | "if-allowed";
  readonly selfHosted: boolean;
  readonly rejoin?: ResilienceOptions["rejoin"];
  readonly renewBeforeExpiry: boolean;
  readonly webLock?: string;
  readonly warnAboveConnections: number;
  readonly calls: CallSettings;
  /** Looks also at what the wire saw of the error. */
  readonly classify: Classify;
  readonly onEvent?: SignalREventListener;
  readonly clock: Clock;
  readonly random: Random;
}

type Check = (value: never) => boolean;

const isDuration: Check = (ms: unknown) => typeof ms === "number" && ms > 0;
const isCount: Check = (many: number) => many >= 1;
const isFlag: Check = (value: unknown) => typeof value === "boolean";
const isCallback: Check = (value: unknown) => typeof value === "function";
const operations = Object.keys(defaultPolicies);

/** What is fine; in words: `option-texts.ts`. */
const checks: Readonly<Record<keyof ResilienceOptions, Check>> = {
  // A misspelt key would silently leave the default in force.
  policies: (source: Partial<PolicySource>) =>
    typeof source.lookup === "function" &&
    source.operations?.every((key) => !key.startsWith("signalr.") || operations.includes(key)) === true,
  connectTimeoutMs: (ms: number) => ms >= 100 && ms < 5_000,
  fallback: (value: { afterFailures?: number } | boolean) =>
    typeof value === "boolean" || Number(value.afterFailures) >= 1,
  onServerClose: oneOf("always", "if-allowed"),
  selfHosted: isFlag,
  rejoin: isCallback,
  renewBeforeExpiry: isFlag,
  webLock: (name: unknown) => typeof name === "string" && name !== "",
  warnAboveConnections: isCount,
  whileDown: oneOf("fail", "wait", "queue"),
  waitTimeoutMs: isDuration,
  maxWaiting: isCount,
  idempotent: Array.isArray,
  invokeTimeoutMs: (given: unknown) =>
    (typeof given === "number" ? [given] : Object.values(given as object)).every((ms) =>
      isDuration(ms as never),
    ),
  faults: Array.isArray,
  onEvent: isCallback,
  clock: (value: unknown) => typeof value === "object",
  random: isCallback,
};

function oneOf(...words: readonly string[]): Check {
  return (word: string) => words.includes(word);
}

/**
 * Validates and completes.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function resilienceFrom(options: ResilienceOptions): Resilience {
  if (typeof options !== "object" || (options as unknown) === null) {
    throw badOption("resilience", options, "an object, or false");
  }
  for (const [key, value] of Object.entries<unknown>({ ...options })) {
    const check = (checks as Partial<Record<string, Check>>)[key];
    if (check === undefined) throw badOption("resilience", key, `made of ${Object.keys(checks).join(", ")}`);
    if (value !== undefined && !check(value as never))
      throw badOption(`resilience.${key}`, value, allowed(key as keyof ResilienceOptions));
  }
  const { policies, fallback = false, faults } = options;
  const classify = classifySignalR(faults);
  const whole = typeof fallback === "object" ? fallback.afterFailures : fallback ? 0 : undefined;
  return {
    connectTimeoutMs: 4_000,
    onServerClose: "always",
    selfHosted: false,
    renewBeforeExpiry: true,
    warnAboveConnections: 10,
    clock: systemClock,
    random: systemRandom,
    ...options,
    policy: (operation) => policies?.lookup(operation) ?? defaultPolicies[operation],
    fallbackAfter: whole,
    calls: callSettings(options),
    classify: (error, wallNowMs) => classify(evidenceOf(error), wallNowMs),
  };
}
