import { badOption } from "@holdfast/core";
import type { ProcessorOptions } from "./processor-options.ts";

/** How a session processor works; every field may be left out. */
export interface SessionProcessorOptions extends Omit<ProcessorOptions, "concurrency"> {
  /** Sessions at once. Default 8; 1 to 1000. May be changed while it runs. */
  readonly sessions?: number;
  /** Messages of one session at once; in order only when it is 1. Default 1. */
  readonly callsPerSession?: number;
  /** A session is given back when no message came for so long, in milliseconds. Default 10 000; above 0. */
  readonly idleTimeoutMs?: number;
  /** Only these sessions, in turn. Default: whichever has messages. */
  readonly sessionIds?: readonly string[];
  /**
   * When one of `sessionIds` is held by somebody else: `wait` for it, or take the `next` of them. Default `next`.
   */
  readonly whenHeld?: "wait" | "next";
}

/** {@link SessionProcessorOptions} that only sessions have, complete. */
export interface SessionSettings {
  readonly sessions: number;
  readonly callsPerSession: number;
  readonly idleTimeoutMs: number;
  readonly sessionIds: readonly string[];
  readonly whenHeld: "wait" | "next";
}

/** @throws HoldfastError `misconfigured`, naming option, value and allowed range. */
export function sessionSettings(options: SessionProcessorOptions): SessionSettings {
  const {
    sessions = 8,
    callsPerSession = 1,
    idleTimeoutMs = 10_000,
    sessionIds = [],
    whenHeld = "next",
  } = options;
  if (!(idleTimeoutMs > 0)) {
    throw badOption("processor.idleTimeoutMs", idleTimeoutMs, "a number of milliseconds above 0");
  }
  if (!["wait", "next"].includes(whenHeld)) {
    throw badOption("processor.whenHeld", whenHeld, '"wait" or "next"');
  }
  return {
    sessions: atMostThousand("sessions", sessions),
    callsPerSession: atMostThousand("callsPerSession", callsPerSession),
    ...{ idleTimeoutMs, sessionIds, whenHeld },
  };
}

/** @throws HoldfastError `misconfigured`. */
export function atMostThousand(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 1_000) return value;
  throw badOption(`processor.${name}`, value, "a whole number from 1 to 1000");
}
