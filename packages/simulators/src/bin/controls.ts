import type { FaultScript } from "../faults/fault-script.ts";

// What arrives over HTTP has no types; the simulators check what they are given.
/* eslint-disable @typescript-eslint/no-explicit-any */

/** Something to look at and to act upon from outside. */
export interface Target {
  readonly subject: object;
  /** Properties that are shown. */
  readonly shows: readonly string[];
  /** Methods that may be called. */
  readonly does: readonly string[];
}

/** What a simulator lets the control endpoint reach. */
export interface Controls {
  /** Its methods are the journal's parts. */
  readonly journal: { clear(): void };
  readonly faults: FaultScript<any>;
  /** The constructors of faults by their names. */
  readonly faultNames: Readonly<Record<string, (...args: any[]) => unknown>>;
  /** What a path names; undefined for nothing. @throws when it names something that is not there */
  target(path: readonly string[]): Target | undefined;
}
