import type { OperationOptionsBase, ServiceBusMessageBatch } from "@azure/service-bus";
import type { Attempt, FaultKind } from "@holdfast/core";
import { FirstSend, type FirstSendCall } from "./first-send.ts";
import { keyOf, type SingleMessage } from "./message-key.ts";
import { linkClosedError } from "./official-errors.ts";
import { Entry, Parcel, type Dispatch, type Single, type Whole } from "./parcel.ts";
import type { Resilience } from "./resilience.ts";
import type { SenderLink } from "./sender-link.ts";
import type { Cargo } from "./transfers.ts";

// The service gives 1000 credits; the official client waits 30 s when they run out (service-bus.md, gap 2).
const maxInFlight = 900;

// Single sends queue while so many transfers are under way: one each, where messages come singly and acknowledgements late.
const maxSingles = 256;

// Far below the service's 4500: a batch is accepted or refused as one, and refused ones are sent again singly.
const maxBatchMessages = 500;

/** Kinds that say something about the link or the entity, and so the same for every message of a batch. */
const shared: ReadonlySet<FaultKind> = new Set([
  "throttled",
  "disconnected",
  "auth",
  "token-limit",
  "not-found",
  "timeout",
  "cancelled",
]);

/**
 * Puts concurrent single sends to one entity into common transfers. Nothing waits for company, nor for an acknowledgement:
 * what is sent in one turn of the event loop goes together, grouped by session and partition key, in order, for whoever
 * was acknowledged together tends to send together again. Also keeps the number of transfers below the link's credit.
 */
export class Coalescer {
  readonly #link: SenderLink;
  readonly #resilience: Resilience;
  /** Transfers of their own, in order. */
  readonly #wholes: Entry[] = [];
  /** Messages that may go together, by key, each in order; the key that has waited longest comes first. */
  readonly #groups = new Map<string, Entry[]>();
  readonly #dispatch: Dispatch = {
    over: (isShared) => {
      this.#over(isShared);
    },
    refused: (entries, isShared, error) => {
      this.#refused(entries, isShared, error);
    },
  };
  #inFlight = 0;
  #singles = 0;
  #draining = false;
  #isGathering = false;
  /** Whether the latest message went in company: then this turn may bring more. */
  #hadCompany = false;

  constructor(link: SenderLink, resilience: Resilience) {
    this.#link = link;
    this.#resilience = resilience;
  }

  /** Sends one message, perhaps with others. @param coalesce - false: in a transfer of its own. */
  single(
    message: SingleMessage,
    coalesce: boolean,
    options: OperationOptionsBase | undefined,
    attempt: Attempt,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const single = { message, key: keyOf(message) };
      this.#add(new Entry(attempt, single, !coalesce, options, this.#dispatch, resolve, reject));
    });
  }

  /** Sends what is one transfer already: a batch. */
  whole(whole: Whole, attempt: Attempt): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#add(new Entry(attempt, whole, true, undefined, this.#dispatch, resolve, reject));
    });
  }

  /**
   * Whether what is sent now goes by itself at once: nothing is under way or waits, and the link need not be looked at. Not
   * after company: TCP would hold back what the rest of the turn sends until the first of it is answered.
   */
  get isFree(): boolean {
    return this.#isIdle && !this.#hadCompany && !this.#link.needsLook;
  }

  /** Sends one message's first attempt; to be asked for only while {@link isFree}, in the same turn. */
  first(call: FirstSendCall, coalesce: boolean): void {
    const { gate } = this.#resilience;
    // A silent gate lets everything pass.
    gate.enter("send", 1);
    this.#launch(new FirstSend(call, coalesce, gate, this.#dispatch), coalesce);
  }

  #add(entry: Entry): void {
    if (this.isFree) {
      this.#launch(entry, !entry.alone);
      return;
    }
    if (entry.alone) this.#wholes.push(entry);
    else {
      const { key } = entry.content as Single;
      const group = this.#groups.get(key);
      if (group === undefined) this.#groups.set(key, [entry]);
      else group.push(entry);
    }
    this.#next();
  }

  get #isIdle(): boolean {
    return this.#inFlight === 0 && this.#groups.size === 0 && this.#wholes.length === 0 && !this.#draining;
  }

  #next(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    // When the promises of this turn are through, and all that they send is here.
    process.nextTick(() => {
      this.#isGathering = false;
      void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#mayTransfer()) {
        const batch = await this.#link.emptyBatch();
        if (batch === undefined) this.#refuseAll(linkClosedError(this.#link.entityPath));
        else this.#launchNext(batch);
      }
    } catch (error) {
      this.#refuseAll(error);
    } finally {
      this.#draining = false;
    }
  }

  #mayTransfer(): boolean {
    if (this.#inFlight >= maxInFlight) return false;
    return this.#wholes.length > 0 || (this.#groups.size > 0 && this.#singles < maxSingles);
  }

  /** Nothing of it has been sent; each attempt decides for itself what follows. */
  #refuseAll(error: unknown): void {
    const refused = [...this.#wholes.splice(0), ...[...this.#groups.values()].flat()];
    this.#groups.clear();
    for (const entry of refused) entry.reject(error);
  }

  /** Starts the next transfer: one entry, or several messages of one key that fit into the batch. */
  #launchNext(batch: ServiceBusMessageBatch): void {
    for (let whole = this.#wholes.shift(); whole !== undefined; whole = this.#wholes.shift()) {
      if (whole.attempt.ended) continue;
      this.#launch(whole, false);
      return;
    }
    for (const [key, group] of this.#groups) {
      this.#groups.delete(key);
      if (this.#singles >= maxSingles) {
        this.#groups.set(key, group);
        return;
      }
      const waiting = group.filter((entry) => !entry.attempt.ended);
      const taken = waiting.splice(0, fitting(batch, waiting));
      // Behind the other keys, so that a busy one does not hold them up.
      if (waiting.length > 0) this.#groups.set(key, waiting);
      const [first, second] = taken;
      if (first === undefined) continue;
      this.#hadCompany = second !== undefined;
      // One message goes as it is.
      this.#launch(second === undefined ? first : new Parcel(taken, batch, this.#dispatch), true);
      return;
    }
  }

  /** Starts a transfer. The link is open until the next turn of the event loop, so nothing here may wait. */
  #launch(cargo: Cargo, isShared: boolean): void {
    this.#inFlight += 1;
    if (isShared) this.#singles += 1;
    this.#link.transfer(cargo, this.#resilience.policy("serviceBus.send").attemptTimeoutMs);
  }

  #over(isShared: boolean): void {
    this.#inFlight -= 1;
    if (isShared) this.#singles -= 1;
    if (this.#wholes.length > 0 || this.#groups.size > 0) this.#next();
  }

  /** A batch is refused as one; when that may be one message's fault, each is sent by itself. */
  #refused(entries: readonly Entry[], isShared: boolean, error: unknown): void {
    const { kind, sent } = this.#resilience.classify(error, this.#resilience.clock.wallNow());
    if (entries.length === 1 || sent === "maybe" || shared.has(kind)) {
      for (const entry of entries) entry.reject(error);
    } else {
      for (const entry of entries) entry.alone = true;
      this.#wholes.unshift(...entries);
    }
    // Not in this turn: who found the link closed, and tells of it, is about to have it opened.
    queueMicrotask(() => {
      this.#over(isShared);
    });
  }
}

/** Fills the batch from the head of the group; how many go. One goes by itself, so it need not be in the batch. */
function fitting(batch: ServiceBusMessageBatch, group: readonly Entry[]): number {
  if (group.length < 2) return group.length;
  const limit = Math.min(group.length, maxBatchMessages);
  let count = 0;
  for (; count < limit; count += 1) {
    const entry = group[count] as Entry;
    const { message } = entry.content as Single;
    if (!batch.tryAddMessage(message, entry.options)) break;
  }
  return Math.max(1, count);
}
