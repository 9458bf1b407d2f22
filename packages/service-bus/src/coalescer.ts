import type { OperationOptionsBase, ServiceBusMessageBatch, ServiceBusSender } from "@azure/service-bus";
import type { Attempt, FaultKind } from "@holdfast/core";
import type { Lifetime } from "./lifetime.ts";
import { keyOf, type SingleMessage } from "./message-key.ts";
import { linkClosedError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";
import type { SenderLink } from "./sender-link.ts";

/** Something to send, and the attempt that waits for its outcome. */
interface Entry {
  readonly attempt: Attempt;
  readonly options: OperationOptionsBase | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** A message that may share a transfer, and with whom. */
  readonly single?: { readonly message: SingleMessage; readonly key: string };
  /** Sends what cannot share a transfer. */
  readonly whole?: (sender: ServiceBusSender, signal: Lifetime) => Promise<void>;
  /** Its batch was rejected, so it goes by itself. */
  alone: boolean;
}

// The service gives 1000 credits; the official client waits 30 s when they run out (service-bus.md, gap 2).
const maxInFlight = 900;

// Single sends queue while so many transfers are under way. Few enough to let them gather, enough to fill the line.
const maxSingles = 8;

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
 * Puts concurrent single sends to one entity into common transfers. Nothing waits for company: a message goes at once
 * unless enough transfers are under way, and what has gathered by then goes together, grouped by session and
 * partition key, in order. Also keeps the number of transfers below the link's credit.
 */
export class Coalescer {
  readonly #link: SenderLink;
  readonly #resilience: Resilience;
  /** Transfers of their own, in order. */
  readonly #wholes: Entry[] = [];
  /** Messages that may go together, by key, each in order; the key that has waited longest comes first. */
  readonly #groups = new Map<string, Entry[]>();
  #inFlight = 0;
  #singles = 0;
  #draining = false;

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
      this.#enqueue({ attempt, options, resolve, reject, single, alone: !coalesce });
    });
  }

  /** Sends what is one transfer already: a batch. */
  whole(whole: NonNullable<Entry["whole"]>, attempt: Attempt): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#enqueue({ attempt, options: undefined, resolve, reject, whole, alone: true });
    });
  }

  #enqueue(entry: Entry): void {
    const key = entry.single?.key;
    if (key === undefined || entry.alone) this.#wholes.push(entry);
    else {
      const group = this.#groups.get(key);
      if (group === undefined) this.#groups.set(key, [entry]);
      else group.push(entry);
    }
    void this.#drain();
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#mayTransfer()) {
        const batch = await this.#link.emptyBatch();
        if (batch === undefined) this.#refuseAll(linkClosedError(this.#link.entityPath));
        else this.#launch(this.#take(batch), batch);
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

  /** The entries of the next transfer: one, or several messages of one key that fit into the batch. */
  #take(batch: ServiceBusMessageBatch): Entry[] {
    for (let whole = this.#wholes.shift(); whole !== undefined; whole = this.#wholes.shift()) {
      if (!whole.attempt.ended) return [whole];
    }
    for (const [key, group] of this.#groups) {
      this.#groups.delete(key);
      if (this.#singles >= maxSingles) {
        this.#groups.set(key, group);
        return [];
      }
      const waiting = group.filter((entry) => !entry.attempt.ended);
      const taken = waiting.splice(0, fitting(batch, waiting));
      // Behind the other keys, so that a busy one does not hold them up.
      if (waiting.length > 0) this.#groups.set(key, waiting);
      if (taken.length > 0) return taken;
    }
    return [];
  }

  /** Starts a transfer. The link is open until the next turn of the event loop, so nothing here may wait. */
  #launch(entries: readonly Entry[], batch: ServiceBusMessageBatch): void {
    const [first] = entries;
    if (first === undefined) return;
    const isShared = !first.alone;
    this.#inFlight += 1;
    if (isShared) this.#singles += 1;
    const work = (sender: ServiceBusSender, abortSignal: Lifetime): Promise<void> => {
      if (first.whole !== undefined) return first.whole(sender, abortSignal);
      const content = entries.length > 1 || first.single === undefined ? batch : first.single.message;
      return sender.sendMessages(content, { ...first.options, abortSignal });
    };
    const { attemptTimeoutMs } = this.#resilience.policy("serviceBus.send");
    const over = (): void => {
      this.#inFlight -= 1;
      if (isShared) this.#singles -= 1;
      void this.#drain();
    };
    this.#link.transfer(work, attemptTimeoutMs).then(
      () => {
        for (const entry of entries) entry.resolve();
        over();
      },
      (error: unknown) => {
        this.#refused(entries, error);
        over();
      },
    );
  }

  /** A batch is refused as one; when that may be one message's fault, each is sent by itself. */
  #refused(entries: readonly Entry[], error: unknown): void {
    const { kind, sent } = this.#resilience.classify(error, this.#resilience.clock.wallNow());
    if (entries.length === 1 || sent === "maybe" || shared.has(kind)) {
      for (const entry of entries) entry.reject(error);
      return;
    }
    for (const entry of entries) entry.alone = true;
    this.#wholes.unshift(...entries);
  }
}

/** Fills the batch from the head of the group; how many go. One goes by itself, so it need not be in the batch. */
function fitting(batch: ServiceBusMessageBatch, group: readonly Entry[]): number {
  if (group.length < 2) return group.length;
  const limit = Math.min(group.length, maxBatchMessages);
  let count = 0;
  for (; count < limit; count += 1) {
    const entry = group[count];
    if (entry?.single === undefined || !batch.tryAddMessage(entry.single.message, entry.options)) break;
  }
  return Math.max(1, count);
}
