import { seededRandom } from "@holdfast/core/testing";
import { deviceFaultNames, type DeviceFaultName } from "./fault-kinds.ts";

/** A fault and when it begins, in milliseconds from the start of the run. */
export interface PlannedDeviceFault {
  readonly name: DeviceFaultName;
  readonly atMs: number;
}

/** All that chance decides about a device's run, so that the seed repeats the schedule (not the timing of sockets). */
export interface DevicePlan {
  readonly seed: number;
  readonly messages: number;
  readonly transport: "mqtt" | "amqp";
  /** Messages a second that the hub takes; what comes faster is held back (traffic shaping). Undefined: no limit. */
  readonly shapedTo: number | undefined;
  /** When the cloud sends a message, and when it calls a method, in milliseconds from the start of the run. */
  readonly commandsAtMs: readonly number[];
  readonly methodsAtMs: readonly number[];
  readonly faults: readonly PlannedDeviceFault[];
}

/** The device speaks, and faults begin, within this time. */
export const spanMs = 3_000;

/** The schedule that belongs to a seed. @param kinds - the faults to draw from; default all */
export function devicePlanOf(
  seed: number,
  messages: number,
  kinds: readonly DeviceFaultName[] = deviceFaultNames,
): DevicePlan {
  const random = seededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const moments = (count: number): number[] =>
    Array.from({ length: count }, () => Math.round(random() * spanMs)).sort((one, other) => one - other);
  const faults = moments(3 + Math.floor(random() * 5)).map((atMs) => ({ name: pick(kinds), atMs }));
  return {
    seed,
    messages,
    transport: pick(["mqtt", "mqtt", "mqtt", "amqp"]),
    // Above the pace of the application, below that of a backlog.
    shapedTo: random() < 0.25 ? Math.max(100, (2_000 * messages) / spanMs) : undefined,
    commandsAtMs: moments(4),
    methodsAtMs: moments(4),
    faults,
  };
}
