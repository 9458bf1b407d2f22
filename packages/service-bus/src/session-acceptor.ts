import type { ServiceBusClient, ServiceBusSessionReceiver as OfficialReceiver } from "@azure/service-bus";
import { watchAccept } from "./accept-watch.ts";
import { badOption, run, type Attempt, type Policy } from "@holdfast/core";
import { noteAwaited, noteRefused } from "./connecting-step.ts";
import { withinTime, type ConnectionPool, type Generation } from "./connection-pool.ts";
import { Lifetime } from "./lifetime.ts";
import type { LockKeeper } from "./lock-keeper.ts";
import { clientClosedError, isTimeout, timeoutError } from "./official-errors.ts";
import { receiverLinkLostError } from "./receiver-errors.ts";
import { maxLockRenewalMs } from "./receiver-arguments.ts";
import type { Resilience } from "./resilience.ts";
import type { SessionArguments } from "./session-arguments.ts";
import { SessionHold } from "./session-hold.ts";
import { SessionReceiver, type ServiceBusSessionReceiver } from "./session-receiver.ts";

// What the way to the service and back may take on top of that.
const graceMs = 5_000;
const closeTimeoutMs = 2_000;

/** Accepts sessions, for one client. */
export class SessionAcceptor {
  readonly #pool: ConnectionPool;
  readonly #keeper: LockKeeper;
  readonly #resilience: Resilience;
  readonly #fullyQualifiedNamespace: string;
  readonly #timeoutMs: number;
  readonly #receivers = new Set<SessionReceiver>();
  readonly #lifetime = new Lifetime();

  /** @param timeoutMs - what the official clients of the pool have: for `acceptNextSession` it is how long the service waits. */
  constructor(
    pool: ConnectionPool,
    timeoutMs: number,
    keeper: LockKeeper,
    resilience: Resilience,
    fullyQualifiedNamespace: string,
  ) {
    this.#timeoutMs = timeoutMs;
    this.#pool = pool;
    this.#keeper = keeper;
    this.#resilience = resilience;
    this.#fullyQualifiedNamespace = fullyQualifiedNamespace;
  }

  get isInUse(): boolean {
    return this.#receivers.size > 0;
  }

  /** @throws the official error: `ServiceTimeout` when there is no session to give, `SessionCannotBeLocked` when it is held. */
  async accept(given: SessionArguments): Promise<ServiceBusSessionReceiver> {
    const { entity, subscriptionName, options } = given;
    const { whenHeld = "fail", maxAutoLockRenewalDurationInMs, abortSignal, turn } = options;
    const maxRenewalMs = maxLockRenewalMs(maxAutoLockRenewalDurationInMs);
    if (!["fail", "wait"].includes(whenHeld)) throw badOption("whenHeld", whenHeld, '"fail" or "wait"');
    const entityPath =
      subscriptionName === undefined ? entity : `${entity}/Subscriptions/${subscriptionName}`;
    const { classify, clock, random, onEvent } = this.#resilience;
    let full: Generation | undefined;
    let unanswered = 0;
    const dead = (): void => {
      unanswered += 1;
    };
    const [receiver, generation] = await run(
      (attempt) => {
        if (turn?.mayTry() === false) throw noLongerWanted();
        const on = this.#pool.lease(entityPath);
        full = on;
        // For the renewals of the lock: they can go by no other connection.
        this.#pool.use(on, `${entityPath}/$management`);
        const accepting = this.#attempt(given, entityPath, on, attempt, unanswered, dead);
        return turn === undefined
          ? accepting
          : accepting.catch((error: unknown) => {
              const { kind } = classify(error, clock.wallNow());
              // A timeout is the service's word for that there is no session to give.
              if (given.sessionId !== undefined || kind !== "timeout")
                turn.failed(error, kind, attempt.number);
              throw error;
            });
      },
      {
        ...{ operation: "serviceBus.acceptSession", target: entityPath, classify, clock, random, onEvent },
        policy: this.#policy(given, whenHeld),
        signal: this.#lifetime.with(abortSignal),
        act: (action) => {
          if (action === "rotate" && full !== undefined) this.#pool.fill(full, entityPath);
        },
        timeoutError: (ms) => timeoutError(entityPath, ms),
      },
    );
    return this.#held(receiver, generation, maxRenewalMs);
  }

  /** Closes all that were accepted. */
  async close(): Promise<void> {
    this.#lifetime.end(clientClosedError());
    await Promise.all([...this.#receivers].map((receiver) => receiver.close()));
  }

  #policy({ sessionId }: SessionArguments, whenHeld: "fail" | "wait"): Policy {
    const policy = this.#resilience.policy("serviceBus.acceptSession");
    const deadlineMs = Math.min(policy.deadlineMs, this.#timeoutMs + graceMs);
    if (sessionId !== undefined) {
      return policy.with({ deadlineMs, ...(whenHeld === "wait" && { on: { conflict: "retry" } }) });
    }
    // The service says by a timeout that there is no session to give.
    return policy.with({ deadlineMs, attemptTimeoutMs: Infinity, on: { timeout: "fail" } });
  }

  /** One attempt; a session that comes when nobody waits for it any more is given back, or it would stay locked. */
  async #attempt(
    given: SessionArguments,
    entityPath: string,
    generation: Generation,
    attempt: Attempt,
    unanswered: number,
    dead: () => void,
  ): Promise<readonly [OfficialReceiver, Generation]> {
    const { clock, classify, stallAfterMs: everyMs } = this.#resilience;
    const startedAt = clock.now();
    const abandon = (): void => {
      const error = receiverLinkLostError(entityPath);
      noteAwaited(error, generation.client, entityPath);
      this.#pool.abandon(generation, error);
    };
    attempt.signal.addEventListener("abort", () => {
      if (!isTimeout(attempt.signal.reason) || generation.answeredAt >= startedAt) return;
      // All who wait on it, for their watches would find nothing left to give up.
      abandon();
    });
    const leave = this.#pool.enter(generation);
    const stopWatching = watchAccept({
      ...{ client: generation.client, given, clock, unanswered, everyMs },
      hasAnswered: (since) => generation.answeredAt >= since,
      answered: () => {
        generation.answeredAt = clock.now();
      },
      dead: abandon,
    });
    const lose = (error: Error): void => {
      dead();
      attempt.fail(error);
    };
    generation.dependents.add(lose);
    attempt.signal.addEventListener("abort", () => {
      stopWatching();
      generation.dependents.delete(lose);
    });
    try {
      const receiver = await accept(generation.client, given, attempt.signal);
      generation.answeredAt = clock.now();
      this.#resilience.entities.add(entityPath);
      if (!attempt.ended) return [receiver, generation];
      await withinTime(receiver.close(), closeTimeoutMs, clock);
      throw timeoutError(entityPath, clock.now() - startedAt);
    } catch (error) {
      noteRefused(error, classify(error, clock.wallNow()));
      this.#pool.release(generation);
      throw error;
    } finally {
      stopWatching();
      generation.dependents.delete(lose);
      leave();
    }
  }

  #held(receiver: OfficialReceiver, generation: Generation, maxRenewalMs: number): SessionReceiver {
    const hold = new SessionHold({
      ...{ receiver, generation, pool: this.#pool, keeper: this.#keeper, resilience: this.#resilience },
      maxLockRenewalMs: maxRenewalMs,
      fullyQualifiedNamespace: this.#fullyQualifiedNamespace,
      onClosed: () => {
        this.#receivers.delete(held);
      },
    });
    const held = new SessionReceiver(hold);
    this.#receivers.add(held);
    return held;
  }
}

/** As what follows an abort. */
function noLongerWanted(): Error {
  const error = new Error("The session is accepted no more.");
  error.name = "AbortError";
  return error;
}

function accept(
  client: ServiceBusClient,
  given: SessionArguments,
  abortSignal: AbortSignal,
): Promise<OfficialReceiver> {
  const { entity, subscriptionName, sessionId } = given;
  const { whenHeld: _1, turn: _2, ...official } = given.options;
  // Renewal is ours; the official client deletes the mode from what it is given.
  const options = { ...official, maxAutoLockRenewalDurationInMs: 0, abortSignal };
  if (subscriptionName === undefined) {
    return sessionId === undefined
      ? client.acceptNextSession(entity, options)
      : client.acceptSession(entity, sessionId, options);
  }
  return sessionId === undefined
    ? client.acceptNextSession(entity, subscriptionName, options)
    : client.acceptSession(entity, subscriptionName, sessionId, options);
}
