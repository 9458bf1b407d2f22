import { emit, failureOf, gate, HoldfastError, onAbort, sleep, type Gate } from "@holdfast/core";
import type { Enqueued, EnqueueOptions, OutboxStatistics, OutboxWay } from "./outbox-contract.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import { checkedBytes } from "./message-limits.ts";
import { closedError } from "./official-errors.ts";
import type { Message, MessageEnqueued } from "./official.ts";
import { checkOutboxOptions, type OutboxOptions } from "./outbox-options.ts";
import { OutboxQueue, type Entry } from "./outbox-queue.ts";
import { MemoryOutboxStore, type OutboxStore } from "./outbox-store.ts";
import { OutboxWriter } from "./outbox-writer.ts";
import { OutgoingMessage } from "./outgoing-message.ts";
import type { Resilience } from "./resilience.ts";
import { tellFailed } from "./telling.ts";

/** After a refusal that is not the message's own (the hub's quota), in milliseconds. */
const pauseMs = 30_000;

/** Keeps messages until the hub has acknowledged them: bounded, in order, and as safe as its store. */
export class Outbox {
  readonly #options: Required<OutboxOptions>;
  readonly #way: OutboxWay;
  readonly #resilience: Resilience;
  readonly #store: OutboxStore;
  readonly #writer: OutboxWriter;
  readonly #queue: OutboxQueue;
  readonly #gate: Gate | undefined;
  readonly #abort = new AbortController();
  readonly #counts = { enqueued: 0, sent: 0, dropped: 0, expired: 0 };
  #opening: Promise<void> | undefined;
  #damage: readonly string[] = [];
  #nextSequence = 1;
  #workers = 0;
  readonly #forRoom: (() => void)[] = [];
  readonly #forEmpty: (() => void)[] = [];

  constructor(options: OutboxOptions, way: OutboxWay, resilience: Resilience) {
    this.#options = checkOutboxOptions(options);
    this.#way = way;
    this.#resilience = resilience;
    this.#store = options.store ?? new MemoryOutboxStore();
    this.#writer = new OutboxWriter(this.#store);
    this.#queue = new OutboxQueue(this.#options.maxMessages, this.#options.maxBytes);
    const { messagesPerSecond } = this.#options;
    this.#gate =
      messagesPerSecond === Infinity
        ? undefined
        : gate({ pacing: { creditsPerSecond: messagesPerSecond }, clock: resilience.clock });
  }

  /**
   * Opens the store and goes on with what an earlier process left.
   *
   * @throws what the store says when it cannot be opened at all.
   */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /**
   * Takes a message over. Resolves when it is stored; from then on it is sent, however long that takes, unless its time ends.
   *
   * @throws HoldfastError `outbox-full` under `whenFull: "reject"`; `closed`; or what the message is refused for.
   */
  async enqueue(message: Message, options: EnqueueOptions = {}): Promise<Enqueued> {
    return this.#enqueue(message, options, undefined, undefined);
  }

  /** Takes a message over, and resolves when the hub has acknowledged it. */
  send(message: Message, output?: string): Promise<MessageEnqueued> {
    return new Promise<MessageEnqueued>((resolve, reject) => {
      const options = output === undefined ? {} : { output };
      this.#enqueue(message, options, resolve as (result: unknown) => void, reject).then(({ status }) => {
        if (status === "dropped") reject(fullError("it drops the newest"));
      }, reject);
    });
  }

  /** Resolves when it is empty. */
  async whenEmpty(): Promise<void> {
    await this.open();
    if (this.#queue.count === 0) return;
    await new Promise<void>((resolve) => this.#forEmpty.push(resolve));
  }

  get #isClosed(): boolean {
    return this.#abort.signal.aborted;
  }

  get statistics(): OutboxStatistics {
    const { count, bytes, sending, oldestSince } = this.#queue;
    const { enqueued, sent, dropped, expired } = this.#counts;
    return {
      ...{ pending: count, bytes, sending, enqueued, sent, dropped, expired, damage: this.#damage },
      oldestAgeMs: oldestSince === undefined ? undefined : this.#resilience.clock.wallNow() - oldestSince,
    };
  }

  /** Ends it; what is stored on a disk stays there for the next. */
  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const closed = closedError(this.#way.device);
    this.#abort.abort(closed);
    for (const go of this.#forRoom.splice(0)) go();
    for (const { failed } of this.#queue.all()) failed?.(closed);
    if (this.#opening === undefined) return;
    await this.#opening.catch(() => undefined);
    await this.#writer.flush();
    await this.#store.close();
  }

  async #open(): Promise<void> {
    const { entries, damage } = await this.#store.open();
    this.#damage = damage;
    const since = this.#resilience.clock.wallNow();
    for (const { sequence, messageId, bytes, expiresAtMs } of entries) {
      this.#nextSequence = Math.max(this.#nextSequence, sequence + 1);
      this.#queue.reserve(bytes);
      this.#queue.push({ sequence, messageId, bytes, expiresAtMs, since });
    }
    for (const _ of damage) this.#tellDropped("corrupt", undefined);
    this.#work();
  }

  async #enqueue(
    message: Message,
    { ttlMs = this.#options.ttlMs, output }: EnqueueOptions,
    acknowledged: Entry["acknowledged"],
    failed: Entry["failed"],
  ): Promise<Enqueued> {
    const outgoing = new OutgoingMessage(message);
    const { messageId } = outgoing;
    const bytes = checkedBytes(outgoing);
    const content = encodeMessage(outgoing, output);
    await this.open();
    if (!(await this.#makeRoom(bytes, messageId))) return { status: "dropped", messageId };
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    const since = this.#resilience.clock.wallNow();
    const expiresAtMs = since + ttlMs;
    try {
      await this.#writer.append({ sequence, messageId, expiresAtMs, bytes, content });
    } catch (error) {
      this.#queue.giveBack(bytes);
      throw error;
    }
    this.#queue.push({ sequence, messageId, bytes, expiresAtMs, since, acknowledged, failed });
    this.#counts.enqueued += 1;
    if (this.#isClosed) failed?.(closedError(this.#way.device));
    this.#work();
    return { status: "stored", messageId };
  }

  /** False when the new message is the one to drop. */
  async #makeRoom(bytes: number, messageId: string): Promise<boolean> {
    const { whenFull, maxBytes } = this.#options;
    if (bytes > maxBytes) throw fullError(`one message of ${String(bytes)} bytes is more than it takes`);
    for (;;) {
      if (this.#abort.signal.aborted) throw closedError(this.#way.device);
      if (!this.#queue.hasRoomFor(bytes)) this.#dropExpired();
      if (this.#queue.hasRoomFor(bytes)) {
        // In the same turn, or two that come together would both get the last place.
        this.#queue.reserve(bytes);
        return true;
      }
      if (whenFull === "newest") {
        this.#counts.dropped += 1;
        this.#tellDropped("full", messageId);
        return false;
      }
      if (whenFull === "wait") {
        await new Promise<void>((resolve) => this.#forRoom.push(resolve));
        continue;
      }
      const oldest = whenFull === "oldest" ? this.#queue.dropOldest() : undefined;
      if (oldest === undefined) throw fullError("it rejects what is new");
      this.#drop(oldest, "full", fullError("a newer message took its place"));
    }
  }

  #dropExpired(): void {
    for (const entry of this.#queue.dropExpired(this.#resilience.clock.wallNow())) {
      this.#drop(entry, "expired", expiredError());
    }
  }

  #work(): void {
    if (this.#isClosed) return;
    // Each takes one before its first wait.
    while (this.#workers < this.#options.concurrency && this.#queue.waiting > 0) {
      this.#workers += 1;
      void this.#deliverAll();
    }
  }

  async #deliverAll(): Promise<void> {
    for (let entry = this.#take(); entry !== undefined; entry = this.#take()) await this.#deliver(entry);
    // In the turn in which nothing was left: a message that comes now must find its worker gone.
    this.#workers -= 1;
  }

  #take(): Entry | undefined {
    return this.#abort.signal.aborted ? undefined : this.#queue.take();
  }

  async #deliver(entry: Entry): Promise<void> {
    const { signal } = this.#abort;
    const { clock } = this.#resilience;
    while (!signal.aborted) {
      try {
        await this.#way.whenConnected(signal);
        if (entry.expiresAtMs <= clock.wallNow()) {
          this.#settle(entry);
          this.#drop(entry, "expired", expiredError());
          return;
        }
        await this.#paced(signal);
        const result = await this.#sendOnce(entry, signal);
        this.#counts.sent += 1;
        this.#settle(entry);
        this.#writer.remove(entry.sequence);
        entry.acknowledged?.(result);
        return;
      } catch (error) {
        if (this.#isClosed) return;
        const isOver = failureOf(error)?.reason === "deadline";
        if (!this.#way.isConnected || isOver) continue;
        if (this.#isOwnFault(error)) {
          this.#settle(entry);
          this.#drop(entry, "refused", error);
          return;
        }
        tellFailed(this.#resilience, this.#way.device, "outbox", error);
        await sleep(pauseMs, clock, signal).catch(() => undefined);
      }
    }
  }

  async #sendOnce(entry: Entry, signal: AbortSignal): Promise<MessageEnqueued> {
    const [content] = await this.#store.read([entry.sequence]);
    const { message, output } = decodeMessage(content);
    return this.#way.send(message, output, signal);
  }

  async #paced(signal: AbortSignal): Promise<void> {
    const waiting = this.#gate?.enter("send", 1);
    if (waiting !== undefined) {
      const stop = onAbort(signal, () => {
        waiting.cancel();
      });
      await waiting.admitted;
      stop();
    }
    this.#gate?.leave("accepted", 1);
  }

  /** Whether the hub, or the client, will never take this message; what nobody knows was tried often enough by its policy. */
  #isOwnFault(error: unknown): boolean {
    const { kind } = this.#resilience.classify(error, this.#resilience.clock.wallNow());
    // A disk's error says nothing of the message, and no policy has tried it again.
    const isLost = kind === "unknown" && failureOf(error) !== undefined;
    return kind === "client-bug" || kind === "too-large" || isLost;
  }

  #settle(entry: Entry): void {
    this.#queue.settle(entry);
    this.#leaveRoom();
  }

  #drop(entry: Entry, reason: "full" | "expired" | "refused", error: unknown): void {
    this.#counts[reason === "expired" ? "expired" : "dropped"] += 1;
    this.#writer.remove(entry.sequence);
    this.#tellDropped(reason, entry.messageId);
    entry.failed?.(error);
    this.#leaveRoom();
  }

  #leaveRoom(): void {
    for (const go of this.#forRoom.splice(0)) go();
    if (this.#queue.count === 0) for (const empty of this.#forEmpty.splice(0)) empty();
  }

  #tellDropped(reason: "full" | "expired" | "refused" | "corrupt", messageId: string | undefined): void {
    emit(this.#resilience.onEvent, {
      ...{ type: "dropped", operation: "iot.outbox", target: this.#way.device },
      ...{ reason, messageId },
    });
  }
}

function fullError(why: string): HoldfastError {
  return new HoldfastError("outbox-full", `The outbox has no room for the message: ${why}.`);
}

function expiredError(): HoldfastError {
  return new HoldfastError("expired", "The message's time in the outbox ended before it could be sent.");
}
