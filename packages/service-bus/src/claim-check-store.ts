import type { AbortSignalLike } from "@holdfast/core";
import { sha256 } from "./content-digest.ts";

/** What a store is told about content. */
export interface ClaimCheckMeta {
  /** SHA-256, 64 lower-case hexadecimal digits: also a name under which equal content is kept once. */
  readonly sha256: string;
  readonly contentType: string | undefined;
  readonly messageId: string;
  /**
   * When the message expires by its own `timeToLive`; undefined when it has none. A hint for cleaning up: an entity may
   * have a shorter default, and a message that was dead-lettered does not expire, so keep content longer where dead letters matter.
   */
  readonly expiresAt: Date | undefined;
}

/**
 * Where bodies go that are too large for a message, e.g. a blob container. Sender and receiver need stores on the same
 * content. Retrying is the store's own business: what it rejects with reaches the caller as it is.
 *
 * A reference is not trusted with anything but finding content: the receiver verifies length and SHA-256. Whoever may send
 * to the entity chooses references, so a store must not let one reach outside of it (a path, a foreign host).
 */
export interface ClaimCheckStore {
  /** Resolves when the content is durable, with a reference of 1 to 4096 characters. The bytes must not be changed. */
  put(
    content: Uint8Array,
    meta: ClaimCheckMeta,
    options?: { readonly abortSignal?: AbortSignalLike | undefined },
  ): Promise<string>;
  /** @throws when there is no such content. */
  get(
    reference: string,
    options?: { readonly abortSignal?: AbortSignalLike | undefined },
  ): Promise<Uint8Array>;
  /** Never called by itself; see `releaseClaimCheck`. */
  delete?(reference: string): Promise<void>;
}

/** A store in memory, for tests: sender and receiver share the object. Content stays until it is deleted. */
export class MemoryClaimCheckStore implements ClaimCheckStore {
  readonly #contents = new Map<string, Uint8Array>();

  /** How much it holds. */
  get size(): number {
    return this.#contents.size;
  }

  /** Keeps a copy. The same content of the same message is kept once. */
  async put(content: Uint8Array, meta: ClaimCheckMeta): Promise<string> {
    const reference = await sha256(`${meta.messageId}\n${meta.sha256}`);
    this.#contents.set(reference, Uint8Array.from(content));
    return reference;
  }

  /** @throws Error when there is nothing under the reference. */
  get(reference: string): Promise<Uint8Array> {
    const content = this.#contents.get(reference);
    if (content !== undefined) return Promise.resolve(content);
    return Promise.reject(new Error(`There is no content "${reference}".`));
  }

  /** Forgets it, if it is there. */
  delete(reference: string): Promise<void> {
    this.#contents.delete(reference);
    return Promise.resolve();
  }
}
