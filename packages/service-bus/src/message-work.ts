import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import {
  emit,
  nextWait,
  policy,
  redact,
  run,
  sleep,
  type Attempt,
  type Clock,
  type EventListener,
  type Fault,
  type Policy,
  type ProcessedEvent,
  type ProcessingFailedEvent,
  type Random,
  type RecognisedEvent,
  type RedeliveredEvent,
} from "@holdfast/core";
import { handlerFault } from "./handler-fault.ts";
import { lockSignal } from "./lock.ts";
import { MessageInHand, type MessageContext, type Settler } from "./message-context.ts";
import type { ProcessorSettings } from "./processor-options.ts";
import { copyForLater, deliveryOf, originOf } from "./redelivery.ts";
import type { SingleMessage } from "./message-key.ts";

/** What handles messages; `Extra` is what a session processor adds. */
export type Handler<Extra extends object = object> = (
  message: ServiceBusReceivedMessage,
  context: MessageContext & Extra,
) => Promise<void> | void;

/** Where messages are worked on. */
export interface Workplace<Extra extends object> {
  readonly entityPath: string;
  readonly settler: Settler;
  /** Lets go of a lock whose message could not be settled, so that the message comes again when it ends. */
  readonly letGo: (message: ServiceBusReceivedMessage) => void;
  readonly send: (copy: SingleMessage) => Promise<void>;
  /** Called when the handler has failed, before what follows of that, which may take long. */
  readonly failed?: () => void;
  readonly extra: Extra;
  /** Aborts when the processor does not wait any longer. */
  readonly stopped: AbortSignal;
  /** Whether a message may be held while others are handled; in a session it may not. */
  readonly holdsAside: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: EventListener | undefined;
}

/** The service takes 4096 characters. */
const longestDescription = 4_096;

/** Messages held aside, for each that is handled: enough to wait out a bad minute, few enough for the locks. */
const heldPerCall = 20;

/** What a processor does with each message: recognise, reject, call the handler, settle, have it come again. */
export class MessageWork<Extra extends object> {
  readonly #handler: Handler<Extra>;
  readonly #settings: ProcessorSettings;
  readonly #place: Workplace<Extra>;
  readonly #policy: Policy;
  readonly #held = new Set<Promise<void>>();

  constructor(handler: Handler<Extra>, settings: ProcessorSettings, place: Workplace<Extra>) {
    this.#handler = handler;
    this.#settings = settings;
    this.#place = place;
    const { attempts, backoff, handlerTimeoutMs } = settings;
    this.#policy = policy({ attempts, backoff, attemptTimeoutMs: handlerTimeoutMs, deadlineMs: Infinity });
  }

  /** Resolves when what is held aside has been given back. */
  async allGivenBack(): Promise<void> {
    while (this.#held.size > 0) await Promise.all(this.#held);
  }

  /** Whether the handler was called and succeeded. Never rejects. */
  async process(message: ServiceBusReceivedMessage): Promise<boolean> {
    const hand = new MessageInHand(message, deliveryOf(message), this.#place.settler);
    try {
      return await this.#process(hand);
    } catch (error) {
      // The store failed, or the copy could not be made: nothing was settled, and it comes again.
      this.#settings.onError(error, message);
      this.#place.letGo(message);
      return false;
    }
  }

  async #process(hand: MessageInHand): Promise<boolean> {
    const { message, delivery } = hand;
    const { idempotency, deadLetterAfter } = this.#settings;
    const lock = lockSignal(message);
    if (lock.aborted) return false;
    const key = this.#keyOf(message);
    if (await idempotency.has(key)) {
      this.#emit({ type: "recognised", messageId: String(message.messageId) });
      await this.#settled(hand, hand.complete());
      return false;
    }
    if (delivery > 1) this.#emit({ type: "redelivered", messageId: String(message.messageId), delivery });
    if (delivery > deadLetterAfter) {
      await this.#deadLetter(hand, "HighDeliveryCount", `Delivered ${String(delivery)} times`);
      return false;
    }
    const calls = { count: 0 };
    const { clock } = this.#place;
    const startedAt = clock.now();
    try {
      await this.#call(hand, lock, calls);
    } catch (error) {
      this.#place.failed?.();
      await this.#failed(hand, lock, calls.count, error);
      return false;
    }
    this.#emit({
      type: "processed",
      messageId: String(message.messageId),
      ...{ delivery, attempts: calls.count, durationMs: clock.now() - startedAt },
    });
    // Done is done, also when the lock was lost meanwhile: what comes again is recognised.
    const wanted = hand.settledAs ?? hand.unconfirmed ?? "complete";
    if (wanted === "complete") await idempotency.add(key);
    if (isOver(lock)) return true;
    if (hand.settledAs === undefined && wanted === "complete") await this.#settled(hand, hand.complete());
    else this.#letGoUnconfirmed(hand);
    return true;
  }

  #call(hand: MessageInHand, lock: AbortSignal, calls: { count: number }): Promise<void> {
    const { stopped, clock, random, onEvent, entityPath, extra } = this.#place;
    const { isPermanent } = this.#settings;
    return run(
      async (attempt: Attempt) => {
        calls.count = attempt.number;
        const signals = (): AbortSignal[] => [lock, stopped, attempt.signal];
        await this.#handler(hand.message, hand.context(signals, attempt.number, extra));
      },
      {
        operation: "serviceBus.process",
        target: entityPath,
        policy: this.#policy,
        // A message that is settled, or not ours any more, is not handled again.
        classify: (error): Fault =>
          handlerFault(error, isPermanent(error), lock.aborted || hand.settledAs !== undefined),
        clock,
        random,
        onEvent,
        signal: stopped,
      },
    );
  }

  async #failed(hand: MessageInHand, lock: AbortSignal, attempts: number, error: unknown): Promise<void> {
    const { isPermanent, onError } = this.#settings;
    onError(error, hand.message);
    if (hand.settledAs !== undefined) {
      this.#letGoUnconfirmed(hand);
      return;
    }
    const fault = handlerFault(error, isPermanent(error), lock.aborted);
    const { kind, id, code } = fault;
    const text = redact(error instanceof Error ? error.message : String(error));
    const about = {
      type: "processing-failed",
      messageId: String(hand.message.messageId),
      delivery: hand.delivery,
      attempts,
      fault: { kind, id, code, message: text },
    } as const;
    if (lock.aborted) this.#emit({ ...about, next: "lost" });
    else if (isPermanent(error)) {
      this.#emit({ ...about, next: "dead-lettered" });
      await this.#deadLetter(hand, "ProcessingFailed", text);
    } else if (this.#place.stopped.aborted || this.#settings.redelivery.by === "abandon") {
      this.#emit({ ...about, next: "abandoned" });
      await this.#settled(hand, hand.abandon());
    } else {
      const delayMs = nextWait(
        this.#settings.redelivery.backoff,
        hand.delivery - 1,
        this.#place.random,
        undefined,
      );
      this.#emit({ ...about, next: "delayed", delayMs });
      await this.#later(hand, lock, delayMs);
    }
  }

  /** What the handler wanted to settle, and perhaps has not, is not kept from coming again. */
  #letGoUnconfirmed({ message, unconfirmed }: MessageInHand): void {
    if (unconfirmed !== undefined) this.#place.letGo(message);
  }

  async #later(hand: MessageInHand, lock: AbortSignal, delayMs: number): Promise<void> {
    if (this.#settings.redelivery.by === "copy" && (await this.#copied(hand, delayMs))) return;
    const held = this.#hold(hand, lock, delayMs).finally(() => this.#held.delete(held));
    this.#held.add(held);
    // Behind a message that is held, the next of its session must not be handled.
    if (!this.#place.holdsAside || this.#held.size > heldPerCall * this.#settings.concurrency) await held;
  }

  /** The copy is stored before the original is completed: a crash in between leaves two, never none. */
  async #copied(hand: MessageInHand, delayMs: number): Promise<boolean> {
    const at = new Date(this.#place.clock.wallNow() + delayMs);
    const copy = await copyForLater(hand.message, at);
    try {
      await this.#place.send(copy);
    } catch (error) {
      // Not allowed to send, perhaps; holding needs no right but the one to listen.
      this.#settings.onError(error, hand.message);
      return false;
    }
    await this.#settled(hand, hand.complete());
    return true;
  }

  async #hold(hand: MessageInHand, lock: AbortSignal, delayMs: number): Promise<void> {
    const { clock, stopped } = this.#place;
    await sleep(delayMs, clock, AbortSignal.any([lock, stopped])).catch(() => {
      // Stopped: it is given back at once. Or its lock is lost, and it comes again by itself.
    });
    if (!lock.aborted) await this.#settled(hand, hand.abandon());
  }

  async #deadLetter(hand: MessageInHand, reason: string, description: string): Promise<void> {
    await this.#settled(
      hand,
      hand.deadLetter({
        deadLetterReason: reason,
        deadLetterErrorDescription: description.slice(0, longestDescription),
      }),
    );
  }

  async #settled(hand: MessageInHand, settling: ReturnType<MessageInHand["complete"]>): Promise<void> {
    const result = await settling;
    if (result.status === "settled") return;
    this.#settings.onError(result.error, hand.message);
    if (result.status !== "lost") this.#place.letGo(hand.message);
  }

  #keyOf(message: ServiceBusReceivedMessage): string {
    return this.#settings.idempotencyKey?.(message) ?? `${this.#place.entityPath}#${originOf(message)}`;
  }

  #emit(event: MessageEvent): void {
    const about = { operation: "serviceBus.process", target: this.#place.entityPath };
    emit(this.#place.onEvent, { ...about, ...event });
  }
}

/** Asked anew each time: it changes while others work. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

type Bare<Event> = Event extends unknown ? Omit<Event, "operation" | "target"> : never;
type MessageEvent = Bare<RedeliveredEvent | ProcessedEvent | ProcessingFailedEvent | RecognisedEvent>;
