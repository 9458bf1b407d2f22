import type { Resilience } from "./resilience.ts";

// rhea counts a connection's idle time by two timers of this length, so those of the official client's sends join a list
// that Node has already. For a length of its own Node makes and drops a list with each send that nothing else accompanies,
// which doubles what the garbage collector does.
const idleTimerMs = 120_000;

const longestTimerMs = 2_147_483_647;

/** The official client's own bound for what a sending connection does, in milliseconds: never below ours, which counts. */
export function sendingNetMs({ policy }: Resilience): number {
  const longest = Math.max(
    ...(
      ["serviceBus.connect", "serviceBus.send", "serviceBus.schedule", "serviceBus.cancelScheduled"] as const
    ).map((operation) => policy(operation).attemptTimeoutMs),
  );
  return longest < idleTimerMs / 2 ? idleTimerMs : Math.min(2 * longest, longestTimerMs);
}
