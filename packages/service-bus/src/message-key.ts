import type { Sendable } from "./message-ids.ts";

/** A message as `sendMessages` takes it singly. */
export type SingleMessage = Exclude<Sendable, readonly unknown[] | { tryAddMessage: unknown }>;

interface Keys {
  readonly sessionId?: unknown;
  readonly partitionKey?: unknown;
  /** An AmqpAnnotatedMessage has them here. */
  readonly properties?: { readonly groupId?: unknown };
  readonly messageAnnotations?: Readonly<Record<string, unknown>>;
}

/**
 * What messages of one transfer must have in common: the envelope takes session and partition key from the first
 * message, and the broker stores all by it (service-bus.md, gap 20).
 */
export function keyOf(message: SingleMessage): string {
  const { sessionId, partitionKey, properties, messageAnnotations } = message as Keys;
  const session = sessionId ?? properties?.groupId;
  const partition = partitionKey ?? messageAnnotations?.["x-opt-partition-key"];
  if (session === undefined && partition === undefined) return "";
  return JSON.stringify([session ?? null, partition ?? null]);
}
