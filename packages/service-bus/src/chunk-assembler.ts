import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { badOption, HoldfastError, systemClock, type Clock } from "@holdfast/core";
import {
  contentProperties,
  descriptionOf,
  isCount,
  malformed,
  ownProperties,
  propertiesOf,
  verify,
  type ContentDescription,
} from "./content-description.ts";
import { receivedBytes, withContent } from "./message-bytes.ts";

/** Chunks that will not be put together: abandon them (they come again) or dead-letter them. They are locked still. */
export interface IncompleteContent {
  /** What the chunks have in common: the application property `holdfast-chunk-of`. */
  readonly chunkOf: string;
  /** How many of the chunks arrived. */
  readonly received: number;
  readonly count: number;
  /** `timeout`: the next chunk did not come in time; `memory`: others needed the room; `closed`: `close()` was called. */
  readonly reason: "timeout" | "memory" | "closed";
  readonly parts: readonly ServiceBusReceivedMessage[];
}

/** How a {@link ChunkAssembler} works; every field may be left out. */
export interface ChunkAssemblerOptions {
  /** How long to wait for the next chunk of a message, in milliseconds. Default 60 000; more than 0. */
  readonly timeoutMs?: number;
  /** Bytes of bodies held at most; a message larger than that is refused. Default 64 MiB; 1 or more. */
  readonly maxBytes?: number;
  /** As the official receiver's option: leave restored bodies as bytes. Default false. */
  readonly skipParsingBodyAsJson?: boolean;
  /** Hears of chunks that are given up. Without it their locks run out, and the service delivers them again. */
  readonly onIncomplete?: (incomplete: IncompleteContent) => void;
  /** For tests. */
  readonly clock?: Clock;
}

/**
 * What became of a received message:
 * - `not-a-chunk`: nothing was done; handle it as ever.
 * - `waiting`: kept until the others are here. Do not settle it, keep its lock.
 * - `duplicate`: its message was put together and reported as settled before; complete it.
 * - `complete`: `message` is as it was sent. Handle it, then settle every one of `parts`, then call `settled()`.
 * - `corrupt`: `parts` are not what was sent; dead-letter them. Never is a body returned that was not verified.
 */
export type Assembled =
  | { readonly status: "not-a-chunk" }
  | { readonly status: "waiting" }
  | { readonly status: "duplicate" }
  | {
      readonly status: "complete";
      readonly message: ServiceBusReceivedMessage;
      readonly parts: readonly ServiceBusReceivedMessage[];
      /** Says that the parts were completed: further copies of them are duplicates. */
      readonly settled: () => void;
    }
  | {
      readonly status: "corrupt";
      /** `content-mismatch` or `malformed-content`. */
      readonly error: HoldfastError;
      readonly parts: readonly ServiceBusReceivedMessage[];
    };

interface Chunk {
  readonly key: string;
  readonly chunkOf: string;
  readonly index: number;
  readonly count: number;
  readonly description: ContentDescription;
  readonly body: Buffer;
}

interface Assembly {
  readonly first: Chunk;
  /** By index: what is put together. */
  readonly chunks: Map<number, { readonly body: Buffer; readonly message: ServiceBusReceivedMessage }>;
  /** Copies of chunks that are here already; settled with the rest. */
  readonly copies: ServiceBusReceivedMessage[];
  bytes: number;
  stopTimer: () => void;
}

const rememberedMessages = 10_000;

/**
 * Puts chunks together, in whatever order and however often they arrive (SBC-052). It settles nothing: chunks stay locked
 * until the caller settles them, so a crash loses none. It holds at most `maxBytes`; when that is not enough, the message
 * that waits longest is given up and comes again.
 */
export class ChunkAssembler {
  readonly #options: Required<Omit<ChunkAssemblerOptions, "onIncomplete">>;
  readonly #onIncomplete: ChunkAssemblerOptions["onIncomplete"];
  /** By key, the longest waiting first. */
  readonly #assemblies = new Map<string, Assembly>();
  readonly #settled = new Set<string>();
  #bytes = 0;
  #isClosed = false;

  /** @throws HoldfastError `misconfigured`, naming option, value and allowed range. */
  constructor(options: ChunkAssemblerOptions = {}) {
    const {
      timeoutMs = 60_000,
      maxBytes = 64 * 1024 * 1024,
      skipParsingBodyAsJson = false,
      clock = systemClock,
    } = options;
    if (typeof timeoutMs !== "number" || !(timeoutMs > 0)) {
      throw badOption("chunks.timeoutMs", timeoutMs, "a number of milliseconds, more than 0");
    }
    if (!(Number.isInteger(maxBytes) || maxBytes === Infinity) || maxBytes < 1) {
      throw badOption("chunks.maxBytes", maxBytes, "a whole number of bytes, 1 or more");
    }
    this.#options = { timeoutMs, maxBytes, skipParsingBodyAsJson, clock };
    this.#onIncomplete = options.onIncomplete;
  }

  /** Bytes of bodies held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a received message.
   *
   * @throws HoldfastError `closed` after `close()`.
   */
  async add(message: ServiceBusReceivedMessage): Promise<Assembled> {
    if (this.#isClosed) throw new HoldfastError("closed", "The chunk assembler was closed.");
    if (!(contentProperties.chunkOf in propertiesOf(message))) return { status: "not-a-chunk" };
    let chunk: Chunk;
    try {
      chunk = chunkOf(message, this.#options.maxBytes);
    } catch (error) {
      return { status: "corrupt", error: error as HoldfastError, parts: [message] };
    }
    if (this.#settled.has(chunk.key)) return { status: "duplicate" };
    const assembly = this.#keep(chunk, message);
    if (assembly.chunks.size < chunk.count) {
      this.#makeRoom(assembly);
      return { status: "waiting" };
    }
    // Taken out before anything is awaited: a chunk that comes now begins anew.
    this.#forget(assembly);
    return this.#assemble(assembly);
  }

  /** Gives up what is waiting, by way of `onIncomplete`, and takes no more. */
  close(): void {
    this.#isClosed = true;
    for (const assembly of [...this.#assemblies.values()]) this.#giveUp(assembly, "closed");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #keep(chunk: Chunk, message: ServiceBusReceivedMessage): Assembly {
    const { key, index, body } = chunk;
    const known = this.#assemblies.get(key);
    const assembly: Assembly = known ?? {
      first: chunk,
      chunks: new Map(),
      copies: [],
      bytes: 0,
      stopTimer: () => undefined,
    };
    this.#assemblies.set(key, assembly);
    const held = assembly.chunks.get(index);
    if (held !== undefined && !isRedelivery(held.message, message)) {
      // Sent twice: the first is as good, and both are to be settled.
      assembly.copies.push(message);
    } else {
      // Delivered again because its lock ran out: only the new lock settles it.
      if (held !== undefined) this.#count(assembly, -held.body.byteLength);
      assembly.chunks.set(index, { body, message });
    }
    this.#count(assembly, body.byteLength);
    if (held === undefined) this.#wait(assembly);
    return assembly;
  }

  #wait(assembly: Assembly): void {
    assembly.stopTimer();
    assembly.stopTimer = this.#options.clock.after(this.#options.timeoutMs, () => {
      this.#giveUp(assembly, "timeout");
    });
  }

  #count(assembly: Assembly, bytes: number): void {
    assembly.bytes += bytes;
    this.#bytes += bytes;
  }

  #makeRoom(latest: Assembly): void {
    // The one that grew just now goes last: giving it up for the others would never end.
    const others = [...this.#assemblies.values()].filter((assembly) => assembly !== latest);
    for (const assembly of [...others, latest]) {
      if (this.#bytes <= this.#options.maxBytes) return;
      this.#giveUp(assembly, "memory");
    }
  }

  #forget(assembly: Assembly): void {
    assembly.stopTimer();
    this.#assemblies.delete(assembly.first.key);
    this.#bytes -= assembly.bytes;
  }

  #giveUp(assembly: Assembly, reason: IncompleteContent["reason"]): void {
    this.#forget(assembly);
    const { chunkOf, count } = assembly.first;
    const incomplete = { chunkOf, received: assembly.chunks.size, count, reason, parts: partsOf(assembly) };
    try {
      this.#onIncomplete?.(incomplete);
    } catch {
      // A listener's error must not stop the others' timers.
    }
  }

  async #assemble(assembly: Assembly): Promise<Assembled> {
    const parts = partsOf(assembly);
    const { description, key } = assembly.first;
    const inOrder = [...assembly.chunks].sort(([a], [b]) => a - b).map(([, chunk]) => chunk);
    const content = Buffer.concat(inOrder.map(({ body }) => body));
    try {
      await verify(content, description);
    } catch (error) {
      return { status: "corrupt", error: error as HoldfastError, parts };
    }
    const last = inOrder.at(-1) as { message: ServiceBusReceivedMessage };
    const properties = propertiesOf(last.message);
    const message = withContent(last.message, {
      content,
      messageId: properties[contentProperties.messageId] as string | number,
      contentType: description.contentType,
      applicationProperties: ownProperties(properties),
      skipParsingBodyAsJson: this.#options.skipParsingBodyAsJson,
    });
    const settled = (): void => {
      this.#settled.add(key);
      const [oldest] = this.#settled;
      if (this.#settled.size > rememberedMessages && oldest !== undefined) this.#settled.delete(oldest);
    };
    return { status: "complete", message, parts, settled };
  }
}

/** A message that comes again keeps its sequence number; one that was sent again has another. */
function isRedelivery(held: ServiceBusReceivedMessage, message: ServiceBusReceivedMessage): boolean {
  return held.sequenceNumber?.equals(message.sequenceNumber ?? -1) ?? false;
}

function partsOf({ chunks, copies }: Assembly): ServiceBusReceivedMessage[] {
  return [...[...chunks.values()].map(({ message }) => message), ...copies];
}

/** @throws HoldfastError `malformed-content`. */
function chunkOf(message: ServiceBusReceivedMessage, maxBytes: number): Chunk {
  const properties = propertiesOf(message);
  const chunkOf = properties[contentProperties.chunkOf];
  const index = properties[contentProperties.chunkIndex];
  const count = properties[contentProperties.chunkCount];
  const messageId = properties[contentProperties.messageId];
  if (typeof chunkOf !== "string" || chunkOf === "") throw malformed(contentProperties.chunkOf);
  if (!isCount(count) || count < 1) throw malformed(contentProperties.chunkCount);
  if (!isCount(index) || index >= count) throw malformed(contentProperties.chunkIndex);
  if (typeof messageId !== "string" && typeof messageId !== "number")
    throw malformed(contentProperties.messageId);
  const description = descriptionOf(properties);
  const body = receivedBytes(message);
  if (body === undefined) throw new HoldfastError("malformed-content", "The chunk's body is not bytes.");
  if (description.length > maxBytes) {
    throw new HoldfastError(
      "malformed-content",
      `The chunks make up ${description.length} bytes; the assembler holds at most ${maxBytes}.`,
    );
  }
  // All that must agree: a message sent again with another content, or in other parts, is another message.
  const key = JSON.stringify([chunkOf, description.sha256, description.length, count]);
  return { key, chunkOf, index, count, description, body };
}
