import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { HoldfastError, type AbortSignalLike } from "@holdfast/core";
import { ChunkAssembler, type Assembled, type ChunkAssemblerOptions } from "./chunk-assembler.ts";
import { restoreClaimCheck } from "./claim-check.ts";
import type { ClaimCheckStore } from "./claim-check-store.ts";
import { contentProperties, propertiesOf } from "./content-description.ts";

/** How a {@link LargeMessageReader} works; every field may be left out. */
export interface LargeMessageReaderOptions extends ChunkAssemblerOptions {
  /** Where claim checks are fetched from; needed only when some arrive. */
  readonly store?: ClaimCheckStore;
}

/** What became of a received message; see {@link Assembled}. A message that was never large is `complete`, itself. */
export type Restoration = Exclude<Assembled, { readonly status: "not-a-chunk" }>;

/**
 * The receiver's side of large messages: give it every message that arrives. One reader serves one receiver, or all
 * receivers of one process that share the work on an entity; `close()` it with them.
 */
export class LargeMessageReader {
  readonly #store: ClaimCheckStore | undefined;
  readonly #skipParsingBodyAsJson: boolean;
  readonly #chunks: ChunkAssembler;

  /** @throws HoldfastError `misconfigured`, naming option, value and allowed range. */
  constructor(options: LargeMessageReaderOptions = {}) {
    const { store, ...chunks } = options;
    this.#store = store;
    this.#skipParsingBodyAsJson = chunks.skipParsingBodyAsJson ?? false;
    this.#chunks = new ChunkAssembler(chunks);
  }

  /**
   * Restores a message. A small one comes back at once, itself; a claim check with its body fetched and verified; a chunk
   * when it was the last one missing. See {@link Assembled} for what to do with each; a claim check is of one part.
   *
   * @throws what the store rejects with: abandon the message, it comes again. HoldfastError `closed` after `close()`.
   */
  async restore(
    message: ServiceBusReceivedMessage,
    options: { readonly abortSignal?: AbortSignalLike | undefined } = {},
  ): Promise<Restoration> {
    const properties = propertiesOf(message);
    if (contentProperties.chunkOf in properties) {
      const assembled = await this.#chunks.add(message);
      if (assembled.status !== "not-a-chunk") return assembled;
    }
    if (!(contentProperties.claimCheck in properties)) return whole(message, message);
    if (this.#store === undefined) {
      throw new HoldfastError(
        "misconfigured",
        "A claim check arrived, and this receiver has no store to fetch it from.",
      );
    }
    try {
      const restored = await restoreClaimCheck(message, this.#store, {
        skipParsingBodyAsJson: this.#skipParsingBodyAsJson,
        abortSignal: options.abortSignal,
      });
      return whole(restored, message);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      return { status: "corrupt", error, parts: [message] };
    }
  }

  /** Gives up the chunks that wait, by way of `onIncomplete`, and takes no more. */
  close(): void {
    this.#chunks.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function whole(message: ServiceBusReceivedMessage, part: ServiceBusReceivedMessage): Restoration {
  return { status: "complete", message, parts: [part], settled: () => undefined };
}

function isCorrupt(error: unknown): error is HoldfastError {
  return (
    error instanceof HoldfastError &&
    (error.code === "content-mismatch" || error.code === "malformed-content")
  );
}
