import { emit, failureOf, Renewer, run, type AbortSignalLike, type KeepingEnded } from "@holdfast/core";
import { HurriedGate } from "./hurried-gate.ts";
import type { Lock } from "./lock.ts";
import { LockDuration, type LockTimes } from "./lock-duration.ts";
import { timeoutError } from "./official-errors.ts";
import { lockLostError } from "./receiver-errors.ts";
import type { Resilience } from "./resilience.ts";

// More than a thousand on one $management link fail with SenderBusyError (design-spike 4); each takes 10 credits.
const maxInFlight = 200;
const credits = 10;

/** How the rest of a lock's life is spent on one renewal: an answer that never comes must leave time for another try. */
const patience = { part: 1 / 3, leastMs: 250 };

/**
 * Keeps the locks of one client: renews each before it ends, however often that fails, until it is given up, refused for
 * good, or as old as it may become. Keyed by lock: equal message ids are no matter (gap 8).
 */
export class LockKeeper {
  readonly #resilience: Resilience;
  readonly #renewer: Renewer<Lock>;
  readonly #durations = new Map<string, LockDuration>();

  constructor(resilience: Resilience) {
    this.#resilience = resilience;
    const { clock, random, classify } = resilience;
    this.#renewer = new Renewer<Lock>({
      renew: (lock, signal) => this.#renew(lock, signal),
      isFinal: (error) => ["lock-lost", "cancelled"].includes(classify(error, clock.wallNow()).kind),
      limited: (lock, keptMs) => {
        const { entityPath: target } = lock;
        emit(resilience.onEvent, {
          type: "lock-renewal-ended",
          operation: "serviceBus.renew",
          target,
          keptMs,
        });
      },
      ended: (lock, end) => {
        this.#lose(lock, end);
      },
      ...{ maxInFlight, clock, random },
    });
  }

  /** Locks kept now. */
  get size(): number {
    return this.#renewer.size;
  }

  /** @param limitMs - how long it is renewed at most; it is watched until it ends in any case. */
  keep(lock: Lock, times: LockTimes, limitMs: number): void {
    this.release(lock);
    lock.keeper = this;
    const { clock } = this.#resilience;
    const restMs = this.#duration(lock).restMs(times, clock.wallNow());
    lock.expiresAt = clock.now() + restMs;
    if (restMs > 0) {
      lock.keeping = this.#renewer.keep(lock, restMs, limitMs);
      return;
    }
    // The two clocks disagree, or it has run out on the way: asking tells.
    lock.keeping = this.#renewer.keep(lock, firstAnswerMs, limitMs);
    this.#renewer.verify(lock.keeping);
  }

  /** Renewed for `limitMs` from now on, at least; whether it is kept at all. */
  prolong({ keeping }: Lock, limitMs: number): boolean {
    if (keeping === undefined) return false;
    this.#renewer.prolong(keeping, limitMs);
    return true;
  }

  /** The lock was given up: renewed no more. */
  release(lock: Lock): void {
    const { keeping } = lock;
    if (keeping === undefined) return;
    lock.keeping = undefined;
    this.#renewer.release(keeping);
  }

  /** The link on which the lock was given is gone, and it may be too. */
  verify({ keeping }: Lock): void {
    if (keeping !== undefined) this.#renewer.verify(keeping);
  }

  close(): void {
    this.#renewer.close();
  }

  async #renew(lock: Lock, signal: AbortSignalLike): Promise<number> {
    const { policy, classify, clock, random, onEvent } = this.#resilience;
    const leftMs = (): number => lock.expiresAt - clock.now();
    const gate = new HurriedGate(this.#resilience.gate, clock, () => leftMs() * patience.part);
    const lockedUntil = await run(
      (attempt) => {
        const ms = Math.max(patience.leastMs, leftMs() * patience.part);
        // As core's bounded.ts: an answer that is there and not read yet counts.
        let stop = clock.after(ms, () => {
          stop = clock.after(0, () => {
            attempt.fail(timeoutError(lock.entityPath, ms));
          });
        });
        return lock.renew(attempt).finally(() => {
          stop();
        });
      },
      {
        ...{ operation: "serviceBus.renew", target: lock.entityPath, policy: policy("serviceBus.renew") },
        ...{ classify, clock, random, onEvent, gate, lane: "renewal", cost: credits, signal },
        act: (action) => {
          if (action === "rotate") lock.rotate();
        },
        timeoutError: (ms) => timeoutError(lock.entityPath, ms),
      },
    );
    const lifeMs = this.#duration(lock).renewedMs(lockedUntil, clock.wallNow());
    lock.expiresAt = clock.now() + lifeMs;
    return lifeMs;
  }

  #lose(lock: Lock, { reason, error }: KeepingEnded): void {
    lock.keeping = undefined;
    if (lock.isSettling && reason === "refused") return;
    const { onEvent, classify, clock } = this.#resilience;
    if (reason === "refused" && lock.expiresAt > clock.now()) this.#duration(lock).wasTooLong();
    const lost =
      reason === "refused" && failureOf(error)?.kind === "lock-lost" ? (error as Error) : lockLostError();
    const { kind, id, code } = classify(lost, clock.wallNow());
    emit(onEvent, {
      type: "lock-lost",
      operation: "serviceBus.renew",
      target: lock.entityPath,
      reason,
      fault: { kind, id, code, message: lost.message },
    });
    lock.lose(lost);
  }

  #duration({ entityPath }: Lock): LockDuration {
    const known = this.#durations.get(entityPath);
    if (known !== undefined) return known;
    const made = new LockDuration();
    this.#durations.set(entityPath, made);
    return made;
  }
}

// The shortest lock there is.
const firstAnswerMs = 5_000;
