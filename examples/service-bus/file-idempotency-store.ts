import { closeSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import type { IdempotencyStore } from "@holdfast/service-bus";

/**
 * Remembers keys in a file, one a line, across restarts and power cuts: `add` returns when the key is on the disk. For one
 * process at a time. The file only grows; several processes, or many messages, want a database with a unique index.
 */
export class FileIdempotencyStore implements IdempotencyStore, Disposable {
  readonly #keys: Set<string>;
  readonly #file: number;

  private constructor(keys: Set<string>, file: number) {
    this.#keys = keys;
    this.#file = file;
  }

  static open(path: string): FileIdempotencyStore {
    const file = openSync(path, "a+");
    const text = readFileSync(path, "utf8");
    // A crash may have left half a line: its message was not completed, and comes again.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole !== text) truncateSync(path, Buffer.byteLength(whole));
    const keys = whole.split("\n").slice(0, -1);
    return new FileIdempotencyStore(new Set(keys.map((line) => JSON.parse(line) as string)), file);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    if (this.#keys.has(key)) return;
    writeSync(this.#file, `${JSON.stringify(key)}\n`);
    fsyncSync(this.#file);
    this.#keys.add(key);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
