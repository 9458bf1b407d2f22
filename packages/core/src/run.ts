import pRetry, { type Options } from "p-retry";
import type { AbortSignalLike } from "./abort.ts";
import type { Ready } from "./admission.ts";
import type { Work } from "./bounded.ts";
import type { Breaker } from "./breaker.ts";
import type { Budget } from "./budget.ts";
import { Call } from "./call.ts";
import type { Clock } from "./clock.ts";
import type { EventListener } from "./events.ts";
import type { Fault } from "./fault.ts";
import type { Classify } from "./fault-table.ts";
import type { Gate } from "./gate.ts";
import type { Lane } from "./lane.ts";
import type { Policy } from "./policy.ts";
import type { Random } from "./random.ts";

/** What `run()` needs to know besides the work itself. */
export interface RunSpec {
  /** The policy key, for events: `serviceBus.send`. */
  readonly operation: string;
  /** The queue, topic, hub or device, for events. */
  readonly target: string;
  readonly policy: Policy;
  readonly classify: Classify;
  readonly clock: Clock;
  readonly random: Random;
  /** The caller's own signal: aborts a wait at once and an attempt through its signal. */
  readonly signal?: AbortSignalLike | undefined;
  readonly onEvent?: EventListener | undefined;
  /** Paces the attempts together with everybody else's on the same namespace or hub; see {@link sharedGate}. */
  readonly gate?: Gate | undefined;
  /** Who goes first at the gate. Default `send`. */
  readonly lane?: Lane | undefined;
  /** What an attempt costs at the gate, in credits. Default 1. */
  readonly cost?: number | undefined;
  /** Bounds the retries of everybody who shares it. Default: no limit. */
  readonly budget?: Budget | undefined;
  /** Refuses calls for a while after too many have failed. Default: none. */
  readonly breaker?: Breaker | undefined;
  /**
   * Awaited before each attempt, inside the deadline but outside the attempt's timeout: a connection to come back.
   * Its rejection is final, for what stands behind it has a policy of its own. Returns nothing when there is
   * nothing to wait for. Nothing but promise steps comes between it and the work: when the gate made the attempt
   * wait, it is asked again.
   */
  readonly ready?: Ready | undefined;
  /** Carries out `refresh` and `rotate`; without it such faults are given to the caller. */
  readonly act?: ((action: "refresh" | "rotate", fault: Fault) => Promise<void> | void) | undefined;
  /** The error for what outlived its time; the default is a HoldfastError, `attempt-timeout` or `deadline`. */
  readonly timeoutError?: ((ms: number) => Error) | undefined;
}

/**
 * The only retry loop: attempt → classify → decide → wait or act → attempt.
 * Order: deadline > breaker > retry > gate > ready > attempt timeout > call.
 *
 * @param signal - the caller's own, where the specification serves many calls. Default: the specification's.
 * @throws the error of the last attempt, itself, with {@link failureOf} knowing the rest; an `AbortError` within
 * milliseconds of the caller's abort.
 */
export function run<T>(
  work: Work<T>,
  spec: RunSpec,
  signal: AbortSignalLike | undefined = spec.signal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const call = new Call(work, spec, signal, spec.clock.now());
    call.attempt(1, resolve, (failure) => {
      repeat(call, failure).then(resolve, reject);
    });
  });
}

/** An attempt that was made without {@link run}, with a place at its gate, and failed. */
export interface FailedAttempt {
  readonly error: unknown;
  /** When it, and so the call, began, by the clock of the specification. */
  readonly startedAt: number;
}

/** {@link run}, for who made the first attempt by himself because nothing stood in its way: the loop goes on from there. */
export function runOn<T>(
  first: FailedAttempt,
  work: Work<T>,
  spec: RunSpec,
  signal: AbortSignalLike | undefined = spec.signal,
): Promise<T> {
  const call = new Call(work, spec, signal, first.startedAt);
  return repeat(call, call.firstFailed(first.error));
}

/** The loop proper, entered with a failed first attempt: most calls end with their first, and need no loop. */
function repeat<T>(call: Call<T>, failure: unknown): Promise<T> {
  const attempt = (number: number): Promise<T> =>
    new Promise((resolve, reject) => {
      if (number === 1) reject(failure);
      else call.attempt(number, resolve, reject);
    });
  return pRetry(attempt, engine(call)).catch(() => {
    throw call.ended();
  });
}

/**
 * p-retry supplies the loop and nothing else: the wait happens in `shouldRetry`, and its own `signal` and `maxRetryTime`,
 * which discard results and shorten waits, stay off (reference: policies.md 2.7). A literal with every option, because
 * p-retry fills what is missing, and a spread here would change the object's shape: either costs 3 to 7 µs a call.
 */
function engine(call: { next(): Promise<boolean> }): Options {
  return {
    retries: Infinity,
    factor: 1,
    minTimeout: 0,
    maxTimeout: 0,
    maxRetryTime: Infinity,
    randomize: false,
    unref: false,
    signal: undefined,
    onFailedAttempt: nothing,
    shouldConsumeRetry: always,
    shouldRetry: () => call.next(),
  };
}

const nothing = (): void => undefined;
const always = (): boolean => true;
