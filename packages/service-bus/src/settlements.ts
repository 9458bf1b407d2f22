import type { ServiceBusReceiver } from "@azure/service-bus";
import {
  abortErrorOf,
  Chain,
  failureOf,
  run,
  runOn,
  type AbortSignalLike,
  type Attempt,
  type Policy,
  type RunSpec,
} from "@holdfast/core";
import type { Decided, Lease } from "./lease.ts";
import { LinkSettlement, type LinkSettlements } from "./link-settlements.ts";
import type { LockKeeper } from "./lock-keeper.ts";
import { timeoutError } from "./official-errors.ts";
import { alreadySettledError, settlementCutError } from "./receiver-errors.ts";
import type { Resilience } from "./resilience.ts";
import type { Settling } from "./settling.ts";

/** A link on which messages can be settled. */
export interface SettlementLink {
  readonly receiver: ServiceBusReceiver;
  readonly settlements: LinkSettlements;
  /** The service has confirmed on it. */
  settled(lease: Lease): void;
}

/** The way a settlement takes to the service. */
export interface SettlementRoute {
  readonly entityPath: string;
  /** The attempts are bounded by the route. */
  readonly policy: Policy;
  /** The link for a first attempt, while it is open. */
  linkFor(lease: Lease): SettlementLink | undefined;
  /** What a failure of the first attempt on the link is to be taken for. */
  meaningOf(error: unknown): unknown;
  /** One attempt; rejects when there was no answer in time. */
  attempt(lease: Lease, settling: Settling, attempt: Attempt): Promise<void>;
  /** Moves to another connection. */
  rotate(): void;
}

/**
 * Settles each message at most once, and says so only when the service has confirmed it. The first attempt is made at once, on
 * the message's link; the machinery of policies is entered when that has failed, or cannot be made now.
 */
export class Settlements {
  readonly #route: SettlementRoute;
  readonly #keeper: LockKeeper;
  readonly #resilience: Resilience;
  readonly #signal: AbortSignalLike;
  readonly #underWay = new Chain<Settlement>();

  /** @param signal - aborts what is under way when the receiver is closed for good. */
  constructor(route: SettlementRoute, keeper: LockKeeper, resilience: Resilience, signal: AbortSignalLike) {
    this.#route = route;
    this.#keeper = keeper;
    this.#resilience = resilience;
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      for (const settlement of this.#underWay.values()) settlement.fail(abortErrorOf(signal));
    });
  }

  /**
   * Resolves once the service has confirmed. The same settlement again is the same call; a different one is refused.
   *
   * @throws the official error: of the service, `MessageLockLost` without asking it when the lock is known to be lost.
   */
  settle(lease: Lease, settling: Settling): Promise<void> {
    const { decided, lock, ownsLock } = lease;
    if (decided !== undefined) {
      return decided.what === settling.what ? decided.done : Promise.reject(alreadySettledError());
    }
    if (lock.lost !== undefined) return Promise.reject(lock.lost);
    const link = this.#route.linkFor(lease);
    const settlement = new Settlement(this, lease, settling, link);
    lease.decided = settlement;
    settlement.waiting = this.#underWay.add(settlement);
    if (ownsLock) lock.isSettling = true;
    if (link !== undefined && this.#mayBegin()) {
      if (ownsLock) lock.settling = settlement;
      link.settlements.begin(settlement, this.#attemptTimeoutMs);
    } else {
      this.#follow(settlement, run(this.#attempts(settlement), this.#spec()));
    }
    return settlement.done;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) {
      await Promise.allSettled(this.#underWay.values().map(({ done }) => done));
    }
  }

  /** The first attempt on the link was good. */
  confirmed(settlement: Settlement): void {
    this.#resilience.gate.leave("accepted", cost);
    this.#end(settlement);
  }

  /** The first attempt on the link was not. */
  failed(settlement: Settlement, error: unknown): void {
    const first = { error: this.#route.meaningOf(error), startedAt: settlement.since };
    this.#follow(settlement, runOn(first, this.#attempts(settlement), this.#spec()));
  }

  /** Whether nothing stands between now and a first attempt; it has its place at the gate then. */
  #mayBegin(): boolean {
    if (this.#signal.aborted || this.#route.policy.deadlineMs < this.#attemptTimeoutMs) return false;
    const wait = this.#resilience.gate.enter("settlement", cost);
    wait?.cancel();
    return wait === undefined;
  }

  get #attemptTimeoutMs(): number {
    return this.#resilience.policy("serviceBus.settle").attemptTimeoutMs;
  }

  #attempts({ lease, settling }: Settlement): (attempt: Attempt) => Promise<void> {
    const { lock, ownsLock } = lease;
    return (attempt) => {
      if (ownsLock) {
        lock.settling = {
          cut: () => {
            attempt.fail(settlementCutError(this.#route.entityPath));
          },
        };
      }
      return this.#route.attempt(lease, settling, attempt);
    };
  }

  #follow(settlement: Settlement, running: Promise<void>): void {
    running.then(
      () => {
        this.#end(settlement);
      },
      (error: unknown) => {
        this.#reject(settlement, error);
      },
    );
  }

  #end(settlement: Settlement): void {
    const { lease } = settlement;
    settlement.waiting?.leave();
    if (lease.ownsLock) {
      lease.lock.settling = undefined;
      this.#keeper.release(lease.lock);
    }
    lease.inHand?.leave();
    settlement.resolve();
  }

  /** Whether it took effect may be open; it may be tried again. */
  #reject(settlement: Settlement, error: unknown): void {
    const { lease } = settlement;
    const { lock, ownsLock } = lease;
    settlement.waiting?.leave();
    lease.decided = undefined;
    if (ownsLock) lock.settling = undefined;
    lock.isSettling = false;
    const failure = failureOf(error);
    if (failure?.kind === "lock-lost" && failure.outcome === "rejected") {
      this.#keeper.release(lock);
      lock.lose(error as Error);
    }
    settlement.reject(error);
  }

  #spec(): RunSpec {
    const { classify, clock, random, onEvent, gate } = this.#resilience;
    const { entityPath, policy } = this.#route;
    return {
      ...{ operation: "serviceBus.settle", target: entityPath, policy },
      ...{ classify, clock, random, onEvent, gate },
      ...{ lane: "settlement", cost, signal: this.#signal },
      act: () => {
        this.#route.rotate();
      },
      timeoutError: (ms) => timeoutError(entityPath, ms),
    };
  }
}

// See sender.ts: an operation on a message costs a credit.
const cost = 1;

/** The settlement of one message. */
class Settlement extends LinkSettlement implements Decided {
  readonly lease: Lease;
  readonly settling: Settling;
  readonly done: Promise<void>;
  /** Among those under way. */
  waiting: { leave(): void } | undefined;
  resolve!: () => void;
  reject!: (error: unknown) => void;
  readonly #all: Settlements;
  readonly #link: SettlementLink | undefined;

  constructor(all: Settlements, lease: Lease, settling: Settling, link: SettlementLink | undefined) {
    super();
    this.#all = all;
    this.lease = lease;
    this.settling = settling;
    this.#link = link;
    this.done = new Promise<void>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  get what(): string {
    return this.settling.what;
  }

  get likeness(): string {
    return this.settling.what;
  }

  /** Its lock is lost. */
  cut(): void {
    this.fail(settlementCutError(this.lease.lock.entityPath));
  }

  protected perform(): Promise<void> {
    const { receiver } = this.#link as SettlementLink;
    return this.settling.perform(receiver, this.lease.message);
  }

  protected confirmed(): void {
    this.#link?.settled(this.lease);
    this.#all.confirmed(this);
  }

  protected failed(error: unknown): void {
    this.#all.failed(this, error);
  }
}
