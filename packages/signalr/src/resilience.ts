import type { Classify, Clock, FaultRow, Policy, Random } from "@holdfast/core";
import { signalrTable } from "#platform";
import { callSettings, type CallOptions, type CallSettings } from "./call-options.ts";
import type { HubConnection } from "./hub-connection.ts";
import type { SignalREventListener } from "./events.ts";
import { defaultPolicies, type PolicyData, type SignalROperation } from "./operations.ts";
import { complete } from "./resilience-options.ts";
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
export interface Resilience extends Required<
  Omit<ResilienceOptions, "policies" | "fallback" | "faults" | keyof CallOptions>
> {
  readonly policy: (operation: SignalROperation) => PolicyData;
  /** Undefined: never. */
  readonly fallbackAfter: number | undefined;
  readonly calls: CallSettings;
  /** Looks also at what the wire saw of the error. */
  readonly classify: Classify;
}

/**
 * Validates and completes.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function resilienceFrom(options: ResilienceOptions): Resilience {
  const { policies, fallback, faults, ...rest } = complete(options);
  const classify = signalrTable(faults);
  return {
    ...rest,
    policy: (operation) => policies.lookup(operation) ?? defaultPolicies[operation],
    fallbackAfter: typeof fallback === "object" ? fallback.afterFailures : fallback ? 0 : undefined,
    calls: callSettings(rest),
    classify: (error, wallNowMs) => classify(evidenceOf(error), wallNowMs),
  };
}
