/** A message in the outbox. */
export interface Entry {
  readonly sequence: number;
  readonly messageId: string;
  readonly bytes: number;
  readonly expiresAtMs: number;
  /** When it came, on the wall's clock; for a message of an earlier process, when that was found. */
  readonly since: number;
  /** Who waits for the hub's acknowledgement, if anybody. */
  readonly acknowledged?: ((result: unknown) => void) | undefined;
  readonly failed?: ((error: unknown) => void) | undefined;
}

/** The order of the messages and how much they are: pure bookkeeping. */
export class OutboxQueue {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #waiting: Entry[] = [];
  /** Where the oldest that waits stands; what lies before it has gone. */
  #head = 0;
  readonly #sending = new Set<Entry>();
  #reserved = 0;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  /** Messages, those that are being sent included. */
  get count(): number {
    return this.#waiting.length - this.#head + this.#sending.size + this.#reserved;
  }

  /** Messages that nobody is sending. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get sending(): number {
    return this.#sending.size;
  }

  /** When the oldest came. */
  get oldestSince(): number | undefined {
    const [first] = this.#sending;
    return (first ?? this.#waiting[this.#head])?.since;
  }

  hasRoomFor(bytes: number): boolean {
    return this.count + 1 <= this.#maxMessages && this.#bytes + bytes <= this.#maxBytes;
  }

  /** Takes the room, for a message that is on its way to the store. */
  reserve(bytes: number): void {
    this.#reserved += 1;
    this.#bytes += bytes;
  }

  /** The store did not take it. */
  giveBack(bytes: number): void {
    this.#reserved -= 1;
    this.#bytes -= bytes;
  }

  /** It is stored, and waits. */
  push(entry: Entry): void {
    this.#reserved -= 1;
    this.#waiting.push(entry);
  }

  /** Takes the oldest out, to send it: `settle` must follow. */
  take(): Entry | undefined {
    const entry = this.#shift();
    if (entry !== undefined) this.#sending.add(entry);
    return entry;
  }

  /** It was sent, or dropped. */
  settle(entry: Entry): void {
    this.#sending.delete(entry);
    this.#bytes -= entry.bytes;
  }

  /** Takes out the oldest that nobody is sending. */
  dropOldest(): Entry | undefined {
    const entry = this.#shift();
    if (entry !== undefined) this.#bytes -= entry.bytes;
    return entry;
  }

  /** Takes out everything whose time is over. */
  dropExpired(nowMs: number): Entry[] {
    const waiting = this.#waiting.slice(this.#head);
    const expired = waiting.filter((entry) => entry.expiresAtMs <= nowMs);
    if (expired.length === 0) return expired;
    this.#waiting = waiting.filter((entry) => entry.expiresAtMs > nowMs);
    this.#head = 0;
    for (const { bytes } of expired) this.#bytes -= bytes;
    return expired;
  }

  /** Everything that is there, in order. */
  all(): Entry[] {
    return [...this.#sending, ...this.#waiting.slice(this.#head)];
  }

  #shift(): Entry | undefined {
    const entry = this.#waiting[this.#head];
    if (entry === undefined) return undefined;
    this.#head += 1;
    // Moved up now and then, because moving up for each would take time with their number.
    if (this.#head > 1_000 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }
}
