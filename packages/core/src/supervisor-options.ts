import type { Clock } from "./clock.ts";
import type { ConnectionState } from "./connection-state.ts";
import type { EventListener } from "./events.ts";
import type { Classify } from "./fault-table.ts";
import type { Policy } from "./policy.ts";
import type { Random } from "./random.ts";

/** One attempt to connect. */
export interface ConnectionAttempt {
  /** From 1 in each outage. */
  readonly number: number;
  /**
   * Aborts when the attempt is given up: it took too long, or the supervisor was closed. Tear down then what was begun;
   * a connection that is returned all the same goes to `discard`.
   */
  readonly signal: AbortSignal;
  /** To be called when this connection is lost, once or often, also before it was open. */
  readonly lost: (reason?: unknown) => void;
}

/** What a `Supervisor` works with. Values that a user gave are checked by the wrapper, which knows the option's name. */
export interface SupervisorOptions<C> {
  /** The policy key, for events: `signalr.connect`. */
  readonly operation: string;
  /** The hub, device or namespace, for events. */
  readonly target: string;
  /**
   * The policy in force; asked at each fault. For a connection that is to come back always, start from
   * `presets.reconnect.with({ on: { unknown: "retry" } })`.
   */
  readonly policy: () => Policy;
  readonly classify: Classify;
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent?: EventListener | undefined;
  /**
   * Makes a connection. For `refresh` and `rotate` the next attempt is the remedy: it asks for a new token, for example. Never called while another call, or a connection, is in use.
   */
  readonly open: (attempt: ConnectionAttempt) => Promise<C>;
  /**
   * Disposes of a connection: one that was lost, given up, or came too late. The next attempt waits for it, for up to
   * `discardTimeoutMs`.
   */
  readonly discard: (connection: C) => Promise<void> | void;
  /** Hears of every change, synchronously; what it throws is ignored. */
  readonly onState?: (state: ConnectionState, previous: ConnectionState) => void;
  /** Operations under way whose outcome is unknown when the connection is lost, for events. */
  readonly inFlight?: () => number;
  /** A connection that is lost sooner continues the outage before it, in milliseconds. Default 10 000; 0 or more. */
  readonly minimumConnectedMs?: number;
  /** The first attempt begins within this time, at random, in milliseconds: for fleets. Default 0: at once. */
  readonly spreadStartMs?: number;
  /** Default 2000 ms; 0 or more. */
  readonly discardTimeoutMs?: number;
  /** The error for an attempt that took too long; the default is a HoldfastError, `attempt-timeout`. */
  readonly timeoutError?: (ms: number) => Error;
  /** The error for whoever waits, or asks, when it is closed. */
  readonly closedError: () => Error;
}
