import type { StopReason } from "./decide.ts";
import type { Fault } from "./fault.ts";
import type { Outage } from "./outage.ts";

/**
 * The life of one connection. `generation` numbers the attempts to open it, from 1, and never goes back: what reports under
 * an older number is about something that was given up.
 *
 * - `idle`: nobody asked for it yet.
 * - `waiting`: the next attempt begins at `until`, and never before `notBefore`, which the server asked for.
 * - `connecting`, `connected`: there is one attempt, or one connection, never two.
 * - `failed`: a fault that the policy does not repeat. Another `start` begins afresh.
 * - `closed`: the end.
 */
export type ConnectionState =
  | { readonly status: "idle"; readonly generation: number }
  | {
      readonly status: "waiting";
      readonly generation: number;
      readonly until: number;
      readonly notBefore: number;
      /** Hints shorten a wait once: a flood of them makes no flood of attempts. */
      readonly isWoken: boolean;
      readonly outage: Outage;
    }
  | { readonly status: "connecting"; readonly generation: number; readonly outage: Outage }
  | {
      readonly status: "connected";
      readonly generation: number;
      readonly since: number;
      /** Forgotten once the connection has lasted. */
      readonly outage: Outage;
    }
  | {
      readonly status: "failed";
      readonly generation: number;
      readonly reason: StopReason;
      readonly fault: Fault;
    }
  | { readonly status: "closed"; readonly generation: number };

/** What happens to a connection. `at` is `clock.now()`; `generation` is whom a report is about. */
export type ConnectionEvent =
  /** Somebody wants the connection. */
  | { readonly type: "start"; readonly at: number }
  /** A sign that waiting may be over: the network is back, the page is visible. */
  | { readonly type: "wake"; readonly at: number }
  /** The wait is over. */
  | { readonly type: "due"; readonly at: number; readonly generation: number }
  | { readonly type: "opened"; readonly at: number; readonly generation: number }
  /** The attempt failed, or outlived its time. */
  | { readonly type: "open-failed"; readonly at: number; readonly generation: number; readonly fault: Fault }
  /** The connection is gone, or is to be given up because it does not answer. */
  | { readonly type: "lost"; readonly at: number; readonly generation: number; readonly fault: Fault }
  /** A planned change, before a token ends for example: nothing failed. */
  | { readonly type: "replace"; readonly at: number }
  | { readonly type: "close" };

/** What the machine asks for, to be carried out in order. */
export type ConnectionEffect =
  /** Make a connection; report `opened` or `open-failed` under this generation. `attempt` counts from 1 in an outage. */
  | { readonly type: "open"; readonly generation: number; readonly attempt: number }
  /** Abort what is under way for this generation, and dispose of its connection: now, or when it comes late. */
  | { readonly type: "discard"; readonly generation: number }
  /** Report `due` after this time; it replaces an earlier wait. */
  | { readonly type: "wait"; readonly generation: number; readonly waitMs: number }
  | { readonly type: "stop-waiting" }
  | { readonly type: "tell"; readonly news: ConnectionNews };

/** What observers hear; `supervisor.ts` makes events of it. */
export type ConnectionNews =
  | {
      readonly type: "disconnected";
      readonly connectedMs: number;
      readonly flaps: number;
      readonly fault: Fault | undefined;
      /** Until the first attempt. */
      readonly waitMs: number;
    }
  | { readonly type: "retry"; readonly attempt: number; readonly waitMs: number; readonly fault: Fault }
  | { readonly type: "connected"; readonly attempts: number; readonly downMs: number }
  | {
      readonly type: "give-up";
      readonly attempts: number;
      readonly elapsedMs: number;
      readonly reason: StopReason;
      readonly fault: Fault;
    };
