import type { CreateMessageBatchOptions, ServiceBusMessageBatch, ServiceBusSender } from "@azure/service-bus";
import { run, type AbortSignalLike, type Attempt, type Policy } from "@holdfast/core";
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
  /** The policy for transfers, and what it was made from. */
  #unbounded: { readonly from: Policy; readonly to: Policy } | undefined;

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
   * What the coalescer is to transfer. Waiting for a place on the link is not the attempt's time; the transfer has the
   * attempt's timeout instead.
   *
   * @param credits - one for each message.
   */
  transfer(
    signal: AbortSignalLike,
    credits: number,
    attempt: (scope: Attempt) => Promise<void>,
    policy = this.#transferPolicy(),
  ): Promise<void> {
    return this.#run("serviceBus.send", signal, credits, attempt, policy);
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

  #transferPolicy(): Policy {
    const from = this.#resilience.policy("serviceBus.send");
    if (this.#unbounded?.from !== from) {
      this.#unbounded = { from, to: from.with({ attemptTimeoutMs: Infinity }) };
    }
    return this.#unbounded.to;
  }

  #run<T>(
    operation: ServiceBusOperation,
    signal: AbortSignalLike,
    cost: number,
    work: (attempt: Attempt) => Promise<T>,
    policy = this.#resilience.policy(operation),
  ): Promise<T> {
    const { classify, clock, random, onEvent, gate, budget, breaker } = this.#resilience;
    return run(work, {
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
      signal,
      ready: operation === "serviceBus.send" ? this.#ready : undefined,
      // A refresh is a new link with a new token, which the next attempt makes by itself.
      act: nothing,
      timeoutError: this.#timeoutError,
    });
  }
}

const nothing = (): void => undefined;
