import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { badOption, HoldfastError, systemClock } from "@holdfast/core";
import { ClassicLevel } from "classic-level";
import type { LeftBehind, OutboxStore, StoredEntry, StoredMessage } from "./outbox-store.ts";
import { decodeRecord, encodeRecord } from "./stored-record.ts";
import type { OpenUpload, UploadJournal } from "./upload-journal.ts";

/** How a disk store is kept. */
export interface DiskOutboxOptions {
  /** A directory of its own for each device; made when missing. One process uses it at a time. */
  readonly directory: string;
  /**
   * What a stored message survives. `process` (the default): the end of the process, however sudden; the system has it and
   * writes it within seconds. `power`: the end of the machine too; each write waits for the disk (fsync).
   */
  readonly durability?: "process" | "power";
}

/** An outbox's store, and an upload journal, in a directory. */
export type DiskOutboxStore = OutboxStore & UploadJournal;

/**
 * Keeps an outbox, and the journal of uploads, on the disk, in LevelDB (the optional peer `classic-level`).
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function diskOutboxStore(options: DiskOutboxOptions): DiskOutboxStore {
  const { directory, durability = "process" } = options;
  if (typeof directory !== "string" || directory === "") {
    throw badOption("diskOutboxStore.directory", directory, "a path");
  }
  // A name that JavaScript callers may get wrong.
  if (!["process", "power"].includes(durability)) {
    throw badOption("diskOutboxStore.durability", durability, '"process" or "power"');
  }
  return new DiskStore(directory, durability === "power");
}

type Level = ClassicLevel<string, Uint8Array>;

// Keys sort as text: messages by their number, in hexadecimal with a fixed width.
const messagePrefix = "m:";
const uploadPrefix = "u:";
const countKey = "count";
const afterPrefix = (prefix: string): string => prefix.slice(0, -1) + ";";

class DiskStore implements DiskOutboxStore {
  readonly #directory: string;
  readonly #sync: boolean;
  #level: Promise<Level> | undefined;
  readonly #damage: string[] = [];
  #count = 0;

  constructor(directory: string, sync: boolean) {
    this.#directory = directory;
    this.#sync = sync;
  }

  async open(): Promise<LeftBehind> {
    const level = await this.#opened();
    const entries: StoredEntry[] = [];
    let damaged = 0;
    for (const [key, value] of await this.#records(level, messagePrefix)) {
      const found = decodeRecord(sequenceOf(key), value);
      if (found !== undefined) entries.push(found.entry);
      else {
        damaged += 1;
        await level.del(key);
      }
    }
    if (damaged > 0) this.#damage.push(`${String(damaged)} messages cannot be read`);
    await this.#compare(level, entries.length + damaged);
    this.#count = entries.length;
    return { entries, damage: this.#damage };
  }

  async append(messages: readonly StoredMessage[]): Promise<void> {
    const level = await this.#opened();
    const puts = messages.map((message) => ({
      type: "put" as const,
      key: keyOf(message.sequence),
      value: encodeRecord(message),
    }));
    this.#count += messages.length;
    try {
      await level.batch([...puts, this.#counted()], { sync: this.#sync });
    } catch (error) {
      this.#count -= messages.length;
      throw error;
    }
  }

  async read(sequences: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    const level = await this.#opened();
    const records = await level.getMany(sequences.map(keyOf));
    return records.map((record, index) =>
      record === undefined ? undefined : decodeRecord(sequences[index] ?? 0, record)?.content,
    );
  }

  async remove(sequences: readonly number[]): Promise<void> {
    const level = await this.#opened();
    const deletions = sequences.map((sequence) => ({ type: "del" as const, key: keyOf(sequence) }));
    this.#count -= sequences.length;
    // Not synced: what a crash brings back is sent once more, with the same messageId.
    await level.batch([...deletions, this.#counted()]);
  }

  async close(): Promise<void> {
    if (this.#level === undefined) return;
    const level = await this.#level.catch(() => undefined);
    this.#level = undefined;
    if (level === undefined) return;
    await level.close();
    await writeFile(this.#marker, JSON.stringify({ messages: this.#count }));
  }

  async opened(upload: OpenUpload): Promise<void> {
    const level = await this.#opened();
    const value = Buffer.from(JSON.stringify(upload));
    await level.put(uploadPrefix + upload.correlationId, value, { sync: this.#sync });
  }

  async notified(correlationId: string): Promise<void> {
    const level = await this.#opened();
    await level.del(uploadPrefix + correlationId);
  }

  async unfinished(): Promise<readonly OpenUpload[]> {
    const level = await this.#opened();
    const records = await this.#records(level, uploadPrefix);
    return records.flatMap(([, value]) => {
      try {
        return [JSON.parse(Buffer.from(value).toString()) as OpenUpload];
      } catch {
        this.#damage.push("an upload's record cannot be read");
        return [];
      }
    });
  }

  /** Written at an orderly end: tells what a store that was damaged since has lost. */
  get #marker(): string {
    return join(this.#directory, "holdfast-closed.json");
  }

  #opened(): Promise<Level> {
    this.#level ??= this.#openLevel().catch((error: unknown) => {
      // A disk that was full, or a directory that was locked, may not be so the next time.
      this.#level = undefined;
      throw error;
    });
    return this.#level;
  }

  async #openLevel(): Promise<Level> {
    await mkdir(this.#directory, { recursive: true });
    try {
      return await openLevel(this.#directory);
    } catch (error) {
      if (codesOf(error).includes("LEVEL_LOCKED")) {
        const text = `The outbox in ${this.#directory} is in use by another process, or by another client of this one.`;
        throw new HoldfastError("misconfigured", text, { cause: error });
      }
      this.#damage.push(`it could not be opened (${codesOf(error).join(", ")}) and was repaired`);
    }
    try {
      await ClassicLevel.repair(this.#directory);
      return await openLevel(this.#directory);
    } catch (error) {
      const aside = `${this.#directory}.damaged-${String(systemClock.wallNow())}`;
      await rename(this.#directory, aside);
      this.#damage.push(`it could not be repaired (${codesOf(error).join(", ")}) and was moved to ${aside}`);
      await mkdir(this.#directory, { recursive: true });
      return openLevel(this.#directory);
    }
  }

  async #records(level: Level, prefix: string): Promise<[string, Uint8Array][]> {
    const found: [string, Uint8Array][] = [];
    try {
      for await (const record of level.iterator({ gte: prefix, lt: afterPrefix(prefix) })) found.push(record);
    } catch (error) {
      this.#damage.push(
        `reading stopped (${codesOf(error).join(", ")}) after ${String(found.length)} records`,
      );
    }
    return found;
  }

  /** Messages that are simply gone leave no trace but the count. */
  async #compare(level: Level, found: number): Promise<void> {
    const stored = await level.get(countKey).catch(() => undefined);
    const counted = stored === undefined ? 0 : Number(Buffer.from(stored).toString());
    const marker = await readFile(this.#marker, "utf8").catch(() => "");
    await rm(this.#marker, { force: true });
    // Torn like anything else, when the machine stopped.
    const closed = Number(/"messages":(\d+)/.exec(marker)?.[1] ?? counted);
    const missing = Math.max(counted, closed) - found;
    if (missing > 0) this.#damage.push(`${String(missing)} messages are missing`);
  }

  #counted(): { type: "put"; key: string; value: Uint8Array } {
    return { type: "put", key: countKey, value: Buffer.from(String(this.#count)) };
  }
}

async function openLevel(directory: string): Promise<Level> {
  const level: Level = new ClassicLevel(directory, { keyEncoding: "utf8", valueEncoding: "view" });
  await level.open();
  return level;
}

function keyOf(sequence: number): string {
  return messagePrefix + sequence.toString(16).padStart(14, "0");
}

function sequenceOf(key: string): number {
  return Number.parseInt(key.slice(messagePrefix.length), 16);
}

/** The store's codes, the outer before the inner. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    codes.push(typeof code === "string" ? code : at.message);
  }
  return codes;
}
