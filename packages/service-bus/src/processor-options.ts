import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { backoff, badOption, type Backoff } from "@holdfast/core";
import { MemoryIdempotencyStore, type IdempotencyStore } from "./idempotency-store.ts";

/** Thrown by a handler: no repetition can help, so the message is dead-lettered at once, with this error's message. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** How a message that failed comes again. */
export interface RedeliveryOptions {
  /** How long it waits, by the number of the delivery. Default full jitter, 1 … 60 s. */
  readonly backoff?: Backoff;
  /**
   * `copy`: a scheduled copy is stored, then the original completed; the message keeps no lock while it waits, and loses its
   * place. `hold`: its lock is renewed until the time has come, then it is abandoned; it keeps its place in a session.
   * `abandon`: at once. Default `copy` for queues (needs the right to send; without it, `hold`), `hold` for subscriptions,
   * where a copy to the topic would reach the others too, and for sessions.
   */
  readonly by?: "copy" | "hold" | "abandon";
}

/** How a processor works; every field may be left out. */
export interface ProcessorOptions {
  /** Messages in hand at once. Default 1; 1 to 2000. May be changed while it runs. */
  readonly concurrency?: number;
  /** Calls of the handler for one delivery, the first included. Default 1; 1 or more. */
  readonly attempts?: number;
  /** Waits between them. Default full jitter, 100 ms … 5 s. */
  readonly backoff?: Backoff;
  /** Milliseconds for one call of the handler; then its signal aborts and it counts as failed. Default: none. */
  readonly handlerTimeoutMs?: number;
  /** A message that was delivered more often is dead-lettered unseen (`HighDeliveryCount`). Default: what the entity says. */
  readonly deadLetterAfter?: number;
  /** Errors after which a message is dead-lettered at once (`ProcessingFailed`), beside {@link PermanentError}. */
  readonly permanentErrors?: readonly ErrorClass[] | ((error: unknown) => boolean);
  readonly redelivery?: RedeliveryOptions;
  /** Where handled messages are remembered. Default {@link MemoryIdempotencyStore}. */
  readonly idempotency?: IdempotencyStore;
  /**
   * What a message is remembered by. Default: the entity, its sequence number and the time it was stored, or for a copy the
   * original's: every message that was sent is handled.
   */
  readonly idempotencyKey?: (message: ServiceBusReceivedMessage) => string;
  /** Hears of every error: the handler's, the connection's; what it throws is ignored. Default: the events tell. */
  readonly onError?: (error: unknown, message?: ServiceBusReceivedMessage) => void;
  /** Stops the processor, as `stop()` does, when the process gets one of these, e.g. `["SIGTERM"]`. Default: none. */
  readonly stopOn?: readonly NodeJS.Signals[];
  /** The lock of a message is renewed for so long, in milliseconds. Default 300 000. */
  readonly maxLockRenewalMs?: number;
  /** Tells when the event loop was busy for longer, in milliseconds. Default 1 000. */
  readonly eventLoopLagMs?: number;
}

/** {@link ProcessorOptions}, complete. */
export interface ProcessorSettings {
  readonly concurrency: number;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly handlerTimeoutMs: number;
  readonly deadLetterAfter: number;
  readonly isPermanent: (error: unknown) => boolean;
  readonly redelivery: Required<RedeliveryOptions>;
  readonly idempotency: IdempotencyStore;
  readonly idempotencyKey: ((message: ServiceBusReceivedMessage) => string) | undefined;
  readonly onError: (error: unknown, message?: ServiceBusReceivedMessage) => void;
  readonly stopOn: readonly NodeJS.Signals[];
  readonly maxLockRenewalMs: number | undefined;
  readonly eventLoopLagMs: number;
}

const known = new Set<string>([
  "concurrency",
  "attempts",
  "backoff",
  "handlerTimeoutMs",
  "deadLetterAfter",
  "permanentErrors",
  "redelivery",
  "idempotency",
  "idempotencyKey",
  "onError",
  "stopOn",
  "maxLockRenewalMs",
  "eventLoopLagMs",
] satisfies (keyof ProcessorOptions)[]);

const ways: readonly string[] = ["copy", "hold", "abandon"];

/**
 * Validates and completes.
 *
 * @param by - how messages come again when the options do not say.
 * @throws HoldfastError `misconfigured`, naming option, value and allowed range.
 */
export function processorSettings(
  options: ProcessorOptions,
  by: Required<RedeliveryOptions>["by"],
): ProcessorSettings {
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw badOption("processor", key, `made of ${[...known].join(", ")}`);
  }
  const { redelivery = {}, permanentErrors = [], onError = () => {} } = options;
  if (redelivery.by !== undefined && !ways.includes(redelivery.by)) {
    throw badOption("processor.redelivery.by", redelivery.by, ways.join(", "));
  }
  return {
    concurrency: concurrencyOf(options.concurrency ?? 1),
    attempts: whole("attempts", options.attempts ?? 1),
    backoff: options.backoff ?? backoff.full({ baseMs: 100, capMs: 5_000 }),
    handlerTimeoutMs: positive("handlerTimeoutMs", options.handlerTimeoutMs ?? Infinity),
    deadLetterAfter: whole("deadLetterAfter", options.deadLetterAfter ?? Infinity),
    isPermanent: (error) => error instanceof PermanentError || isListed(error, permanentErrors),
    redelivery: {
      backoff: redelivery.backoff ?? backoff.full({ baseMs: 1_000, capMs: 60_000 }),
      by: redelivery.by ?? by,
    },
    idempotency: options.idempotency ?? new MemoryIdempotencyStore(),
    idempotencyKey: options.idempotencyKey,
    onError: (error, message) => {
      try {
        onError(error, message);
      } catch {
        // What tells of trouble must not make more.
      }
    },
    stopOn: options.stopOn ?? [],
    maxLockRenewalMs: options.maxLockRenewalMs,
    eventLoopLagMs: positive("eventLoopLagMs", options.eventLoopLagMs ?? 1_000),
  };
}

// The official receiver stops taking messages at 2047 that are not settled (service-bus.md, gap 5).
const mostAtOnce = 2_000;

/** @throws HoldfastError `misconfigured`. */
export function concurrencyOf(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= mostAtOnce) return value;
  throw badOption("processor.concurrency", value, `a whole number from 1 to ${String(mostAtOnce)}`);
}

function isListed(error: unknown, listed: NonNullable<ProcessorOptions["permanentErrors"]>): boolean {
  if (typeof listed === "function") return listed(error);
  return listed.some((one) => error instanceof one);
}

function whole(name: string, value: number): number {
  if (value === Infinity || (Number.isInteger(value) && value >= 1)) return value;
  throw badOption(`processor.${name}`, value, "a whole number, 1 or more, or Infinity");
}

function positive(name: string, ms: number): number {
  if (typeof ms === "number" && ms > 0) return ms;
  throw badOption(`processor.${name}`, ms, "a number of milliseconds above 0, or Infinity");
}
