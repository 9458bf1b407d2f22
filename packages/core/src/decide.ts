import { nextWait } from "./backoff.ts";
import type { Fault } from "./fault.ts";
import type { Policy } from "./policy.ts";
import type { Random } from "./random.ts";
import type { Action } from "./rules.ts";

/** What has happened in this call so far, the present fault included. */
export interface Progress {
  /** Milliseconds since the call began. */
  readonly elapsedMs: number;
  /** Faults that count against `attempts`, this one included when it does. */
  readonly counted: number;
  /** Faults of the present kind, from 1. */
  readonly ofKind: number;
  /** The wait before the attempt that failed, in milliseconds; undefined at the first. */
  readonly previousWaitMs: number | undefined;
}

/**
 * Why a call is not repeated. `permanent`: repeating cannot help. `attempts`: the number allowed is used up.
 * `deadline`: the next attempt would begin after the deadline. `outcome-unknown`: it may have been carried out
 * and the policy forbids a repetition. `budget`: the retry budget that it shares with others is spent.
 * `breaker`: the circuit breaker is open, so it was not even tried.
 */
export type StopReason = "permanent" | "attempts" | "deadline" | "outcome-unknown" | "budget" | "breaker";

export type Decision =
  | { readonly retry: true; readonly waitMs: number; readonly action: Exclude<Action, "fail"> }
  | { readonly retry: false; readonly reason: StopReason };

/**
 * Decides what follows a fault. Pure and synchronous; the one place where it is decided.
 * The wait is never below the server's hint, never negative, and never reaches the deadline: a wait that would
 * cross it means failing now rather than trying early.
 */
export function decide(fault: Fault, progress: Progress, policy: Policy, random: Random): Decision {
  const rule = policy.rules[fault.kind];
  if (rule.action === "fail") return { retry: false, reason: "permanent" };
  if (fault.sent === "maybe" && policy.onUnknown === "fail")
    return { retry: false, reason: "outcome-unknown" };
  // One attempt means one, also for the kinds that do not count.
  if (policy.attempts === 1 || progress.counted >= policy.attempts || progress.ofKind >= rule.limit) {
    return { retry: false, reason: "attempts" };
  }
  const waitMs = waitFor(rule.action, fault, progress, policy, random);
  if (progress.elapsedMs + waitMs >= policy.deadlineMs) return { retry: false, reason: "deadline" };
  return { retry: true, waitMs, action: rule.action };
}

function waitFor(action: Action, fault: Fault, progress: Progress, policy: Policy, random: Random): number {
  const hintMs = hintOf(fault);
  // A full connection or a stale token is cured by what we do next, not by time; where that was no cure twice, there is no hurry.
  if ((action === "rotate" || action === "refresh") && progress.ofKind <= 2) return hintMs;
  const shape = fault.kind === "throttled" ? policy.throttledBackoff : policy.backoff;
  return hintMs + nextWait(shape, progress.ofKind - 1, random, progress.previousWaitMs);
}

/** The server's wish in milliseconds; also 0 for a hint that is no number: a wait of NaN would end at once. */
export function hintOf({ hintMs = 0 }: Fault): number {
  return hintMs > 0 ? hintMs : 0;
}
