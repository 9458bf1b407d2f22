import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { HoldfastError } from "@holdfast/core";
import { sha256 } from "./content-digest.ts";

/**
 * The application properties by which a large message travels. They are a wire format: another language may write or
 * read them. All begin with `holdfast-`, and are removed when the message is restored.
 *
 * | property | on | value |
 * |---|---|---|
 * | `holdfast-content-sha256` | both | SHA-256 of the whole body, 64 lower-case hexadecimal digits |
 * | `holdfast-content-length` | both | its length in bytes |
 * | `holdfast-content-type` | both | the message's own content type; absent when it had none |
 * | `holdfast-claim-check` | claim checks | the store's reference |
 * | `holdfast-chunk-of` | chunks | what the chunks of one message have in common |
 * | `holdfast-chunk-index`, `holdfast-chunk-count` | chunks | 0 … count - 1; how many there are |
 * | `holdfast-message-id` | chunks | the message's own id |
 */
export const contentProperties = {
  sha256: "holdfast-content-sha256",
  length: "holdfast-content-length",
  contentType: "holdfast-content-type",
  claimCheck: "holdfast-claim-check",
  chunkOf: "holdfast-chunk-of",
  chunkIndex: "holdfast-chunk-index",
  chunkCount: "holdfast-chunk-count",
  messageId: "holdfast-message-id",
} as const;

/** Content types of what travels in place of the body, so that nobody reads it as the body. */
export const travelTypes = {
  claimCheck: "application/vnd.holdfast.claim-check",
  chunk: "application/vnd.holdfast.chunk",
} as const;

/** What a large body is, apart from its bytes. */
export interface ContentDescription {
  readonly sha256: string;
  /** In bytes. */
  readonly length: number;
  readonly contentType: string | undefined;
}

/** {@link ContentDescription} as application properties. */
export function describe({
  sha256,
  length,
  contentType,
}: ContentDescription): Record<string, string | number> {
  return {
    [contentProperties.sha256]: sha256,
    [contentProperties.length]: length,
    ...(contentType === undefined ? {} : { [contentProperties.contentType]: contentType }),
  };
}

/** @throws HoldfastError `malformed-content` when the properties are not what a sender writes. */
export function descriptionOf(properties: Readonly<Record<string, unknown>>): ContentDescription {
  const sum = properties[contentProperties.sha256];
  const length = properties[contentProperties.length];
  const contentType = properties[contentProperties.contentType];
  if (typeof sum !== "string" || !/^[\da-f]{64}$/.test(sum)) throw malformed(contentProperties.sha256);
  if (!isCount(length)) throw malformed(contentProperties.length);
  if (contentType !== undefined && typeof contentType !== "string")
    throw malformed(contentProperties.contentType);
  return { sha256: sum, length, contentType };
}

/** Whether a property is a whole number of 0 or more. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** For a property that a sender of ours does not write so. */
export function malformed(property: string): HoldfastError {
  return new HoldfastError(
    "malformed-content",
    `The application property "${property}" is missing or malformed.`,
  );
}

/**
 * Makes sure that content is what was sent.
 *
 * @throws HoldfastError `content-mismatch`.
 */
export async function verify(
  content: Uint8Array,
  { length, sha256: expected }: ContentDescription,
): Promise<void> {
  if (content.byteLength !== length) {
    throw new HoldfastError(
      "content-mismatch",
      `The content has ${content.byteLength} bytes; ${length} were sent.`,
    );
  }
  const actual = await sha256(content);
  if (actual === expected) return;
  throw new HoldfastError(
    "content-mismatch",
    `The content's SHA-256 is ${actual}; that of what was sent is ${expected}.`,
  );
}

/** A message's application properties; `{}` when it has none. */
export function propertiesOf(message: ServiceBusReceivedMessage): Readonly<Record<string, unknown>> {
  return message.applicationProperties ?? {};
}

const travelling: readonly string[] = Object.values(contentProperties);

/** The application properties that the sender's caller gave. */
export function ownProperties(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !travelling.includes(key)));
}
