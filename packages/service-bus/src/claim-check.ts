import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { HoldfastError, type AbortSignalLike } from "@holdfast/core";
import type { ClaimCheckStore } from "./claim-check-store.ts";
import { sha256 } from "./content-digest.ts";
import {
  contentProperties,
  describe,
  descriptionOf,
  malformed,
  ownProperties,
  propertiesOf,
  travelTypes,
  verify,
} from "./content-description.ts";
import { asBuffer, withContent } from "./message-bytes.ts";
import type { SingleMessage } from "./message-key.ts";
import { changedMessage, fieldsOf } from "./outgoing-message.ts";

const maxReferenceCharacters = 4_096;

/** What {@link checkIn} is told beside message and content. */
export interface CheckIn {
  readonly store: ClaimCheckStore;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly abortSignal?: AbortSignalLike | undefined;
}

/**
 * Puts a body into the store and returns a copy of the message that carries the reference instead; everything else of the
 * message stays, so filters, sessions and duplicate detection work as before. Content that is stored for a message which is
 * then not sent stays in the store until the store cleans up.
 *
 * @throws what the store rejects with; HoldfastError `malformed-content` when it gives no usable reference.
 */
export async function checkIn<M extends SingleMessage>(
  message: M,
  content: Uint8Array,
  { store, now, abortSignal }: CheckIn,
): Promise<M> {
  const fields = fieldsOf(message);
  const contentType = typeof fields.contentType === "string" ? fields.contentType : undefined;
  const sum = await sha256(content);
  const meta = {
    sha256: sum,
    contentType,
    messageId: idText(fields.messageId),
    expiresAt: expiryOf(message, now),
  };
  const reference: unknown = await store.put(content, meta, { abortSignal });
  if (typeof reference !== "string" || reference === "" || reference.length > maxReferenceCharacters) {
    throw new HoldfastError(
      "malformed-content",
      `The claim-check store must return a reference of 1 to ${maxReferenceCharacters} characters.`,
    );
  }
  return changedMessage(message, {
    body: Buffer.alloc(0),
    contentType: travelTypes.claimCheck,
    applicationProperties: {
      ...describe({ sha256: sum, length: content.byteLength, contentType }),
      [contentProperties.claimCheck]: reference,
    },
  });
}

/** An id as text; that of bytes is hexadecimal. */
function idText(id: unknown): string {
  if (Buffer.isBuffer(id)) return id.toString("hex");
  return typeof id === "string" || typeof id === "number" ? String(id) : "";
}

// The largest time a Date holds.
const maxTime = 8_640_000_000_000_000;

function expiryOf(message: SingleMessage, now: number): Date | undefined {
  const { timeToLive, scheduledEnqueueTimeUtc } = fieldsOf(message);
  if (typeof timeToLive !== "number" || !(timeToLive > 0)) return undefined;
  // The time to live begins when the message is enqueued.
  const enqueuedAt = scheduledEnqueueTimeUtc instanceof Date ? scheduledEnqueueTimeUtc.getTime() : now;
  const expiresAt = Math.max(now, enqueuedAt) + timeToLive;
  return expiresAt <= maxTime ? new Date(expiresAt) : undefined;
}

/** Which reference a restored message was fetched by; its properties are those of the message that was sent. */
const references = new WeakMap<object, string>();

/** The reference that a message carries, or was restored by; undefined when it is no claim check. */
export function claimCheckOf(message: ServiceBusReceivedMessage): string | undefined {
  const known = references.get(message);
  if (known !== undefined) return known;
  const reference = propertiesOf(message)[contentProperties.claimCheck];
  return typeof reference === "string" ? reference : undefined;
}

/** How a body is to be read; see the official receiver's option of the same name. Default false. */
export interface RestoreOptions {
  readonly skipParsingBodyAsJson?: boolean;
  readonly abortSignal?: AbortSignalLike | undefined;
}

/**
 * Fetches the body of a claim check, verifies it, and returns a copy of the message as it was sent: body, content type and
 * application properties. The copy is settled like the original. A message that is no claim check is returned itself.
 *
 * @throws what the store rejects with; HoldfastError `content-mismatch` when the content is not what was sent,
 * `malformed-content` when the message's properties are not what a sender writes.
 */
export async function restoreClaimCheck<M extends ServiceBusReceivedMessage>(
  message: M,
  store: ClaimCheckStore,
  { skipParsingBodyAsJson = false, abortSignal }: RestoreOptions = {},
): Promise<M> {
  const properties = propertiesOf(message);
  if (!(contentProperties.claimCheck in properties)) return message;
  const reference = claimCheckOf(message);
  if (reference === undefined || reference === "") throw malformed(contentProperties.claimCheck);
  const description = descriptionOf(properties);
  const content: unknown = await store.get(reference, { abortSignal });
  if (!(content instanceof Uint8Array)) {
    throw new HoldfastError(
      "malformed-content",
      "The claim-check store returned something other than bytes.",
    );
  }
  await verify(content, description);
  const restored = withContent(message, {
    content: asBuffer(content),
    contentType: description.contentType,
    applicationProperties: ownProperties(properties),
    skipParsingBodyAsJson,
  });
  references.set(restored, reference);
  return restored;
}

/**
 * Deletes the content of a claim check, restored or not, when its store can delete. Nothing calls it by itself: only the
 * application knows when the last receiver is done (every subscription of a topic gets the same reference). Call it after
 * `completeMessage`, never before: a message whose content is gone cannot be restored again.
 */
export async function releaseClaimCheck(
  message: ServiceBusReceivedMessage,
  store: ClaimCheckStore,
): Promise<void> {
  const reference = claimCheckOf(message);
  if (reference !== undefined) await store.delete?.(reference);
}
