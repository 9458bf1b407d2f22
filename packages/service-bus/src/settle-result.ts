import { failureOf } from "@holdfast/core";

/**
 * What became of a settlement. `settled`: the service confirmed it. `lost`: the lock is gone, the message comes again.
 * `unknown`: it may have taken effect. `failed`: it has not, and the message comes again when its lock ends.
 */
export type SettleResult =
  | { readonly status: "settled" }
  | { readonly status: "lost" | "unknown" | "failed"; readonly error: unknown };

/** Waits for a settlement and says what became of it; never rejects. */
export async function settleResult(settling: Promise<void>): Promise<SettleResult> {
  try {
    await settling;
    return { status: "settled" };
  } catch (error) {
    const failure = failureOf(error);
    if (failure?.kind === "lock-lost" && failure.outcome === "rejected") return { status: "lost", error };
    // Without a word about it, as with the official receiver, nobody knows.
    return { status: failure?.outcome === "rejected" ? "failed" : "unknown", error };
  }
}
