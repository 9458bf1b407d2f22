import { createHash } from "node:crypto";
import type { TelemetryEntry } from "./journal-entries.ts";

// The service keeps a day's events. What counts here is that a long test does not fill the memory.
const MAX_BYTES = 67_108_864;

/** A device-to-cloud message as the built-in endpoint keeps it. */
export interface HubEvent {
  /** Counts from 0 in its partition. */
  readonly sequenceNumber: number;
  readonly entry: TelemetryEntry;
}

/** One partition of the built-in endpoint: events in the order of their arrival. */
export class EventPartition {
  readonly id: string;
  #events: HubEvent[] = [];
  #next = 0;
  readonly #watchers = new Set<() => void>();

  constructor(id: string) {
    this.id = id;
  }

  /** The oldest sequence number that is kept. */
  get first(): number {
    return this.#next - this.#events.length;
  }

  /** The sequence number that the next event will have. */
  get next(): number {
    return this.#next;
  }

  get last(): HubEvent | undefined {
    return this.#events.at(-1);
  }

  /** The event with this number, or the oldest after it that is kept. */
  at(sequenceNumber: number): HubEvent | undefined {
    return this.#events[Math.max(0, sequenceNumber - this.first)];
  }

  /** The number of the first event that was taken over after a moment (Unix milliseconds). */
  after(enqueuedAt: number): number {
    return this.#events.find(({ entry }) => entry.enqueuedAt > enqueuedAt)?.sequenceNumber ?? this.#next;
  }

  append(entry: TelemetryEntry): void {
    this.#events.push({ sequenceNumber: this.#next, entry });
    this.#next += 1;
    for (const tell of [...this.#watchers]) tell();
  }

  /** Forgets the oldest event. @returns its size in bytes */
  forget(): number {
    return this.#events.shift()?.entry.body.length ?? 0;
  }

  /** Calls `tell` whenever an event has come; the returned function ends it. */
  watch(tell: () => void): () => void {
    this.#watchers.add(tell);
    return () => {
      this.#watchers.delete(tell);
    };
  }
}

/** What consumers of the hub's events read: the built-in endpoint, compatible with Event Hubs. */
export class EventLog {
  readonly partitions: readonly EventPartition[];
  /** When it began, in milliseconds since the Unix epoch. */
  readonly createdAt: number;
  #bytes = 0;

  constructor(partitions: number, createdAt: number) {
    this.partitions = Array.from({ length: partitions }, (_, index) => new EventPartition(String(index)));
    this.createdAt = createdAt;
  }

  /** A device's events are all in one partition. */
  append(entry: TelemetryEntry): void {
    const hash = createHash("sha1").update(entry.deviceId).digest().readUInt32BE();
    this.partitions[hash % this.partitions.length]?.append(entry);
    this.#bytes += entry.body.length;
    while (this.#bytes > MAX_BYTES) {
      const oldest = this.partitions
        .filter(({ last }) => last !== undefined)
        .reduce((a, b) => ((a.at(0)?.entry.at ?? 0) <= (b.at(0)?.entry.at ?? 0) ? a : b));
      this.#bytes -= oldest.forget();
    }
  }
}
