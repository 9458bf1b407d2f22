import { ServiceBusError } from "@azure/service-bus";
import { badOption, systemClock, type AbortSignalLike, type Clock } from "@holdfast/core";
import { checkIn } from "./claim-check.ts";
import type { ClaimCheckStore } from "./claim-check-store.ts";
import { splitIntoChunks } from "./chunks.ts";
import { outgoingBytes } from "./message-bytes.ts";
import { encodedSizeAtMost, isSurelySmall, propertiesSizeAtMost } from "./message-size.ts";
import type { SingleMessage } from "./message-key.ts";

/** Sends a large body in chunks. */
export interface ChunkOptions {
  /** Bytes of body in a chunk, at most. Default: as many as the link takes. */
  readonly maxChunkBytes?: number;
  /** A body of more bytes is refused; the receiver must be able to hold as much. Default 64 MiB; 1 or more. */
  readonly maxContentBytes?: number;
}

/** Sends a large body by way of a store. */
export interface ClaimCheckOptions {
  readonly store: ClaimCheckStore;
  /** Bodies of more bytes go to the store even if they would fit into a message. Default: only what does not fit. */
  readonly thresholdBytes?: number;
}

/**
 * What to do with a message that is larger than the entity takes (SBC-049, SBC-052):
 * - `"reject"` (the default): the send fails with `MessageSizeExceeded`, as the official client's does.
 * - `"chunk"` or `{ chunk: {…} }`: send it in several messages; see `splitIntoChunks` and `ChunkAssembler`.
 * - `{ claimCheck: { store } }`: put the body into a store and send the reference; see `restoreClaimCheck`.
 *
 * Receivers must restore: one that does not know Holdfast sees the reference, or the parts.
 */
export type LargeMessages =
  "reject" | "chunk" | { readonly chunk: ChunkOptions } | { readonly claimCheck: ClaimCheckOptions };

/** What a sender calls. */
export interface LargeMessagePreparation {
  /**
   * Whether {@link outgoing} may have something to do: answered without encoding, in less than a microsecond for most
   * messages. False means: send it as it is.
   */
  mayBeLarge(message: SingleMessage, maxBytes: number): boolean;
  /**
   * What to send in place of a message: itself when it fits, its claim check, or its chunks in order. Call it once per
   * call to the sender, after the message id was given and before the first attempt: every call stores the body again.
   *
   * @param maxBytes - the largest message that the link takes.
   * @throws what the store rejects with; ServiceBusError `MessageSizeExceeded` for more than `maxContentBytes`.
   */
  outgoing<M extends SingleMessage>(
    message: M,
    maxBytes: number,
    abortSignal?: AbortSignalLike,
  ): Promise<readonly M[]>;
}

const defaultMaxContentBytes = 64 * 1024 * 1024;
// The application properties and ids that a chunk has in addition, and the batch envelope around it.
const chunkBytesReserved = 1_024;

/**
 * Validates the option and prepares for sending.
 *
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function prepareLarge(
  option: LargeMessages = "reject",
  { clock = systemClock }: { readonly clock?: Clock } = {},
): LargeMessagePreparation {
  const given = option === "chunk" ? { chunk: {} } : option;
  if (given === "reject") return asItIs;
  const isOption =
    typeof given === "object" && (given as unknown) !== null && Object.keys(given).length === 1;
  if (isOption && "chunk" in given) return chunking(given.chunk);
  if (isOption && "claimCheck" in given) return checkingIn(given.claimCheck, clock);
  throw badOption("largeMessages", option, '"reject", "chunk", { chunk } or { claimCheck }');
}

const asItIs: LargeMessagePreparation = {
  mayBeLarge: () => false,
  outgoing: (message) => Promise.resolve([message]),
};

function checkKeys(name: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw badOption(name, options, "an object");
  const stray = Object.keys(options).find((key) => !known.includes(key));
  if (stray !== undefined) throw badOption(name, stray, `made of ${known.join(", ")}`);
}

function checkBytes(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw badOption(name, value, `a whole number of bytes, ${String(least)} or more`);
}

function chunking(options: ChunkOptions): LargeMessagePreparation {
  checkKeys("largeMessages.chunk", options, ["maxChunkBytes", "maxContentBytes"]);
  const { maxChunkBytes = Infinity, maxContentBytes = defaultMaxContentBytes } = options;
  checkBytes("largeMessages.chunk.maxChunkBytes", options.maxChunkBytes, 1);
  checkBytes("largeMessages.chunk.maxContentBytes", options.maxContentBytes, 1);
  return preparation(Infinity, (message, content, maxBytes) => {
    // The envelope of a batch repeats the properties of its first message.
    const room = maxBytes - 2 * propertiesSizeAtMost(message) - chunkBytesReserved;
    const chunkBytes = Math.min(maxChunkBytes, Math.floor(room));
    // The properties alone are too large: nothing that could be done to the body helps.
    if (chunkBytes < 1) return Promise.resolve([message]);
    if (content.byteLength > maxContentBytes)
      return Promise.reject(tooLarge(content.byteLength, maxContentBytes));
    return splitIntoChunks(message, content, chunkBytes);
  });
}

function tooLarge(bytes: number, limit: number): ServiceBusError {
  return new ServiceBusError(
    `The message's body has ${bytes} bytes; largeMessages.chunk.maxContentBytes allows ${limit}.`,
    "MessageSizeExceeded",
  );
}

function checkingIn(options: ClaimCheckOptions, clock: Clock): LargeMessagePreparation {
  checkKeys("largeMessages.claimCheck", options, ["store", "thresholdBytes"]);
  const { thresholdBytes = Infinity } = options;
  const store = options.store as ClaimCheckStore | null | undefined;
  if (typeof store?.put !== "function" || typeof store.get !== "function") {
    throw badOption("largeMessages.claimCheck.store", store, "an object with put() and get()");
  }
  checkBytes("largeMessages.claimCheck.thresholdBytes", options.thresholdBytes, 0);
  return preparation(thresholdBytes, async (message, content, _maxBytes, abortSignal) => [
    await checkIn(message, content, { store, now: clock.wallNow(), abortSignal }),
  ]);
}

type Shrink = <M extends SingleMessage>(
  message: M,
  content: Uint8Array,
  maxBytes: number,
  abortSignal: AbortSignalLike | undefined,
) => Promise<readonly M[]>;

function preparation(thresholdBytes: number, shrink: Shrink): LargeMessagePreparation {
  const mayBeLarge = (message: SingleMessage, maxBytes: number): boolean => {
    const room = maxBytes - propertiesSizeAtMost(message);
    return !isSurelySmall(message.body, Math.min(room, thresholdBytes));
  };
  return {
    mayBeLarge,
    outgoing: async (message, maxBytes, abortSignal) => {
      if (!mayBeLarge(message, maxBytes)) return [message];
      const content = outgoingBytes(message);
      if (content === undefined) return [message];
      const isSmall =
        content.byteLength <= thresholdBytes && encodedSizeAtMost(message, content.byteLength) <= maxBytes;
      return isSmall ? [message] : shrink(message, content, maxBytes, abortSignal);
    },
  };
}
