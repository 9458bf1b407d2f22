import type { LaneOutcome } from "../lanes.ts";
import type { DeviceOutcome } from "./run.ts";
import { deviceTroubles } from "./verdict.ts";

/** Adds up what runs of devices showed, one after another. */
export class DeviceTally {
  readonly #kinds = new Set<string>();
  readonly #troubles: Record<string, number> = {
    lost: 0,
    givenUp: 0,
    duplicatedExplained: 0,
    duplicatedUnexplained: 0,
    disordered: 0,
    stuck: 0,
    doubleConnections: 0,
    deaf: 0,
    unclosed: 0,
  };
  #seeds = 0;
  #messages = 0;
  #faults = 0;
  #crashed = 0;
  #slowestRecoveryMs = 0;
  /** Seeds that were not clean, with the first thing that went wrong. */
  readonly failures: { readonly seed: number; readonly because: string }[] = [];

  add(outcome: LaneOutcome<DeviceOutcome>): void {
    this.#seeds += 1;
    if ("crashed" in outcome) {
      this.#crashed += 1;
      this.failures.push({ seed: outcome.seed, because: outcome.crashed });
      return;
    }
    const { verdict, faults, messages, quietAfterMs = 0 } = outcome;
    this.#messages += messages;
    this.#faults += faults.length;
    for (const name of faults) this.#kinds.add(name);
    for (const [name, found] of Object.entries(verdict) as [string, number | readonly string[]][])
      this.#troubles[name] = (this.#troubles[name] ?? 0) + (typeof found === "number" ? found : found.length);
    this.#slowestRecoveryMs = Math.max(this.#slowestRecoveryMs, quietAfterMs);
    const [first, ...more] = deviceTroubles(verdict);
    if (first === undefined) return;
    const rest = more.length > 0 ? ` (and ${String(more.length)} more)` : "";
    this.failures.push({ seed: outcome.seed, because: `${first}${rest} after: ${faults.join("; ")}` });
  }

  /** The sums, by name; `slowestRecoveryMs`: from the last fault until every send was answered, the longest. */
  get figures(): Readonly<Record<string, number>> {
    return {
      seeds: this.#seeds,
      messages: this.#messages,
      faults: this.#faults,
      faultKinds: this.#kinds.size,
      ...this.#troubles,
      crashed: this.#crashed,
      slowestRecoveryMs: Math.round(this.#slowestRecoveryMs),
    };
  }
}
