import type { AbortSignalLike, Clock } from "@holdfast/core";
import { badOption } from "@holdfast/core";
import { prepareLarge, type LargeMessagePreparation, type LargeMessages } from "./large-messages.ts";
import { withMessageIds, type Sendable } from "./message-ids.ts";
import type { SingleMessage } from "./message-key.ts";
import { checkMessages } from "./message-limits.ts";
import { withPartitionKeys, type PartitionBy } from "./partition-by.ts";

/** What a sender does to messages before the first attempt. */
export interface OutgoingOptions {
  /** Chooses the partition key of messages that have none. */
  readonly partitionBy?: PartitionBy;
  /** What to do with a message that is larger than the entity takes. Default `"reject"`. */
  readonly largeMessages?: LargeMessages;
}

/** Messages in place of the caller's, and for each the place of the one it comes from. */
export interface Shrunk {
  readonly messages: readonly SingleMessage[];
  readonly origins: readonly number[];
}

/** Everything that happens to messages once per call: ids, partition keys, limits, and what is too large. */
export class Outgoing {
  readonly #partitionBy: PartitionBy | undefined;
  readonly #large: LargeMessagePreparation;
  /** Whether messages may have to be made smaller, for which the link's size must be known. */
  readonly shrinks: boolean;

  /** @throws HoldfastError `misconfigured`, naming option, value and allowed range. */
  constructor({ partitionBy, largeMessages = "reject" }: OutgoingOptions, clock: Clock) {
    if (partitionBy !== undefined && typeof partitionBy !== "function") {
      throw badOption("partitionBy", partitionBy, "a function from a message to its partition key");
    }
    this.#partitionBy = partitionBy;
    this.#large = prepareLarge(largeMessages, { clock });
    this.shrinks = largeMessages !== "reject";
  }

  /**
   * Copies with an id and a partition key, within the service's limits.
   *
   * @throws the official client's error where it would throw, otherwise HoldfastError `invalid-message`.
   */
  stamp<T extends Sendable>(messages: T): T {
    const identified = withMessageIds(messages);
    const keyed =
      this.#partitionBy === undefined ? identified : withPartitionKeys(identified, this.#partitionBy);
    checkMessages(keyed);
    return keyed;
  }

  /** Puts claim checks or chunks in the place of messages that are too large for the link. */
  async shrink(
    messages: readonly SingleMessage[],
    maxBytes: number,
    abortSignal: AbortSignalLike | undefined,
  ): Promise<Shrunk> {
    const shrunk: SingleMessage[] = [];
    const origins: number[] = [];
    for (const [index, message] of messages.entries()) {
      const parts = this.#large.mayBeLarge(message, maxBytes)
        ? await this.#large.outgoing(message, maxBytes, abortSignal)
        : [message];
      shrunk.push(...parts);
      for (const _part of parts) origins.push(index);
    }
    return { messages: shrunk, origins };
  }
}
