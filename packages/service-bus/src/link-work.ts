import type { CreateMessageBatchOptions, ServiceBusMessageBatch, ServiceBusSender } from "@azure/service-bus";
import {
  run,
  runOn,
  type AbortSignalLike,
  type Attempt,
  type FailedAttempt,
  type Policy,
  type RunSpec,
} from "@holdfast/core";
import type { SenderLink } from "./sender-link.ts";
import { linkClosedError, timeoutError } from "./official-errors.ts";
import type { ServiceBusOperation } from "./operations.ts";
import type { Resilience } from "./resilience.ts";

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling: a data operation costs 1 credit, a
// management operation 10.
const managementCredits = 10;

/** Runs a sender's work on its entity's link, under the client's policies. */
export class LinkWork {
  readonly #link: SenderLink;
  readonly #entityPath: string;
  readonly #resilience: Resilience;
  readonly #ready = (scope: Attempt): Promise<void> | undefined => this.#link.ready(scope);
  readonly #timeoutError = (ms: number): Error => timeoutError(this.#entityPath, ms);
  /** What a transfer of one message runs under, and the policy that it was made from. */
  #single: { readonly from: Policy; readonly spec: RunSpec } | undefined;

  constructor(link: SenderLink, resilience: Resilience) {
    this.#link = link;
    this.#entityPath = link.entityPath;
    this.#resilience = resilience;
  }

  /** What needs the link open and sends nothing: free of charge at the gate. */
  onLink<T>(signal: AbortSignalLike, work: (link: SenderLink) => Promise<T>): Promise<T> {
    return this.#run("serviceBus.send", signal, 0, () => work(this.#link));
  }

  /** An empty batch, from a link that is open and so has told its size. */
  emptyBatch(
    options: CreateMessageBatchOptions | undefined,
    signal: AbortSignalLike,
  ): Promise<ServiceBusMessageBatch> {
    return this.onLink(signal, async (link) => {
      const batch = await link.emptyBatch(options);
      if (batch === undefined) throw linkClosedError(this.#entityPath);
      return batch;
    });
  }

  /**
   * One message for the coalescer to transfer. Waiting for a place on the link is not the attempt's time; the transfer has
   * the attempt's timeout instead.
   */
  transfer(signal: AbortSignalLike, attempt: (scope: Attempt) => Promise<void>): Promise<void> {
    return run(attempt, this.#singleSpec(), signal);
  }

  /** Whether a first attempt needs nothing of {@link transfer}: nothing limits it, and it has the attempt's time to itself. */
  get isCalm(): boolean {
    const { gate, budget, breaker, policy } = this.#resilience;
    if (gate.isSilent !== true || budget !== undefined || breaker !== undefined) return false;
    const { attemptTimeoutMs, deadlineMs } = policy("serviceBus.send");
    return attemptTimeoutMs < deadlineMs;
  }

  /** {@link transfer} from a first attempt on that has failed. */
  transferAfter(
    first: FailedAttempt,
    signal: AbortSignalLike,
    attempt: (scope: Attempt) => Promise<void>,
  ): Promise<void> {
    return runOn(first, attempt, this.#singleSpec(), signal);
  }

  /** {@link transfer}, for what costs another number of credits or has another policy. */
  transferWhole(
    signal: AbortSignalLike,
    credits: number,
    attempt: (scope: Attempt) => Promise<void>,
    policy = this.#singleSpec().policy,
  ): Promise<void> {
    return run(attempt, this.#spec("serviceBus.send", credits, policy), signal);
  }

  /** What travels by the management link. */
  manage<T>(
    operation: ServiceBusOperation,
    signal: AbortSignalLike,
    work: (sender: ServiceBusSender, attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    return this.#run(operation, signal, managementCredits, (attempt) =>
      this.#link.manage((sender) => work(sender, attempt), attempt),
    );
  }

  /** Made once for each policy: a literal of this size for every message is a noticeable share of what a send costs. */
  #singleSpec(): RunSpec {
    const from = this.#resilience.policy("serviceBus.send");
    if (this.#single?.from !== from) {
      const policy = from.with({ attemptTimeoutMs: Infinity });
      this.#single = { from, spec: this.#spec("serviceBus.send", 1, policy) };
    }
    return this.#single.spec;
  }

  #run<T>(
    operation: ServiceBusOperation,
    signal: AbortSignalLike,
    cost: number,
    work: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    return run(work, this.#spec(operation, cost, this.#resilience.policy(operation)), signal);
  }

  #spec(operation: ServiceBusOperation, cost: number, policy: Policy): RunSpec {
    const { classify, clock, random, onEvent, gate, budget, breaker } = this.#resilience;
    return {
      operation,
      target: this.#entityPath,
      policy,
      classify,
      clock,
      random,
      onEvent,
      gate: cost > 0 ? gate : undefined,
      lane: "send",
      cost,
      budget,
      breaker,
      ready: operation === "serviceBus.send" ? this.#ready : undefined,
      // A refresh is a new link with a new token, which the next attempt makes by itself.
      act: nothing,
      timeoutError: this.#timeoutError,
    };
  }
}

const nothing = (): void => undefined;
