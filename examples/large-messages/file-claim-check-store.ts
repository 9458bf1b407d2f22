import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ClaimCheckMeta, ClaimCheckStore } from "@holdfast/service-bus";

/**
 * Keeps contents as files in a folder that sender and receiver share. Sending the same message again writes the same file.
 * Nothing is deleted by itself: remove files older than the longest time to live, or use `releaseClaimCheck`.
 */
export class FileClaimCheckStore implements ClaimCheckStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves once the file is on the disk; a crash leaves no half-written one under its name. */
  async put(content: Uint8Array, { messageId, sha256 }: ClaimCheckMeta): Promise<string> {
    const reference = createHash("sha256").update(`${messageId}\n${sha256}`).digest("hex");
    await mkdir(this.#folder, { recursive: true });
    const draft = join(this.#folder, `${reference}.${randomUUID()}.draft`);
    try {
      const file = await open(draft, "wx");
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, this.#path(reference));
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    return reference;
  }

  async get(reference: string): Promise<Uint8Array> {
    return readFile(this.#path(reference));
  }

  async delete(reference: string): Promise<void> {
    return rm(this.#path(reference), { force: true });
  }

  /** Whoever may send chooses the reference: it must not lead out of the folder. */
  #path(reference: string): string {
    if (!/^[\da-f]{64}$/.test(reference)) throw new Error("This is no reference of this store.");
    return join(this.#folder, reference);
  }
}
