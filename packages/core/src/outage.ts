import type { Fault, FaultKind } from "./fault.ts";
import type { Policy } from "./policy.ts";

/** What is remembered from the first fault until a connection has lasted. Times are `clock.now()`, in milliseconds. */
export interface Outage {
  /** When the connection was lost, or the first attempt began. */
  readonly since: number;
  /** Attempts begun since the last connection. */
  readonly attempts: number;
  /** Faults that count against the policy's `attempts`. */
  readonly counted: number;
  readonly ofKind: Readonly<Partial<Record<FaultKind, number>>>;
  /** The latest wait; undefined before the first. */
  readonly waitMs: number | undefined;
  /** Connections in a row that were lost before they had lasted `minimumConnectedMs`. */
  readonly flaps: number;
}

export function freshOutage(at: number): Outage {
  return { since: at, attempts: 0, counted: 0, ofKind: {}, waitMs: undefined, flaps: 0 };
}

/** A connection that lasted has earned a fresh start; one that did not is part of the same trouble. */
export function outageAfter(
  before: Outage,
  connectedSince: number,
  at: number,
  minimumConnectedMs: number,
): Outage {
  if (at - connectedSince >= minimumConnectedMs) return freshOutage(at);
  return { ...before, since: at, attempts: 0, flaps: before.flaps + 1 };
}

export function withFault(outage: Outage, { kind }: Fault, policy: Policy): Outage {
  return {
    ...outage,
    counted: outage.counted + (policy.rules[kind].counts ? 1 : 0),
    ofKind: { ...outage.ofKind, [kind]: faultsOfKind(outage, kind) + 1 },
  };
}

export function faultsOfKind(outage: Outage, kind: FaultKind): number {
  return outage.ofKind[kind] ?? 0;
}
