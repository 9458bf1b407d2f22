import type { FaultKind, Random } from "@holdfast/core";

/** How an entity's link has fared since it last worked. */
export interface LinkTrouble {
  /** Links that failed or did not last, from 1. */
  readonly failures: number;
  readonly kind: FaultKind;
  /** Milliseconds since the first of them. */
  readonly downMs: number;
}

/** Faults that only an administrator mends: no reason to hurry. */
const lasting: readonly FaultKind[] = ["not-found", "auth", "quota", "client-bug", "conflict", "unknown"];

/** Faults that end by themselves, soon: not worth a word unless they outlive the first try. */
export function isPassing(kind: FaultKind): boolean {
  return kind === "disconnected" || kind === "transient" || kind === "timeout" || kind === "throttled";
}

// As often as a call may move before it gives up (core's rules).
const fullConnections = 10;

/**
 * Whether a link that did not come to be, or was lost, is worth telling the user of: what lasts at once, what passes when it
 * outlives the first try, and a full connection, which the next link is not on, when others have turned out to be full again and again.
 */
export function isWorthTelling({ failures, kind }: Pick<LinkTrouble, "failures" | "kind">): boolean {
  if (kind === "token-limit") return failures > fullConnections;
  return !isPassing(kind) || failures > 1;
}

// A minute of hurry is what upgrades and failovers take; afterwards it is an outage.
const hurryMs = 60_000;

/**
 * How long to wait before a link is attached again, in milliseconds, on top of the policy's backoff. After a transient fault:
 * not at all for a minute, then up to 8 s. After a lasting one, from the third time on: one to two seconds, growing to half a
 * minute while it lasts (a disabled entity would otherwise be attached to ten times a second, gap 15).
 */
export function reattachAfter({ failures, kind, downMs }: LinkTrouble, random: Random): number {
  if (lasting.includes(kind)) {
    if (failures < 3) return 0;
    const topMs = Math.min(30_000, Math.max(2_000, downMs / 4));
    return 1_000 + random() * (topMs - 1_000);
  }
  return downMs < hurryMs ? 0 : random() * 8_000;
}
