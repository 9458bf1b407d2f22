import type {
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
  ServiceBusSender,
} from "@azure/service-bus";
import Long from "long";
import { abortErrorOf, badOption, sleep, type Clock } from "@holdfast/core";
import {
  checkSelection,
  isSelected,
  replaySettings,
  type DeadLetterSelection,
  type PurgeReport,
  type ReplayOptions,
  type ReplayReport,
  type ReplaySettings,
  type SequenceNumber,
} from "./dead-letter-options.ts";
import { pull } from "./dead-letter-pull.ts";
import { derivedId } from "./derived-id.ts";
import { copyOf } from "./message-copy.ts";
import type { SingleMessage } from "./message-key.ts";
import type { MessageSource } from "./message-source.ts";
import { redeliveryProperties } from "./redelivery.ts";

/** Application properties of a message that was replayed. */
export const replayProperties = {
  /** The id that the message had when it was first replayed. */
  originalId: "holdfast-original-message-id",
  /** How often it has been replayed. */
  replays: "holdfast-replays",
} as const;

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- the same class, declared once for each module system
const first: SequenceNumber = Long.ZERO;
const peekPage = 250;
// Why it is dead, and how often it failed until then: it begins anew.
const ofTheDead = [
  "DeadLetterReason",
  "DeadLetterErrorDescription",
  redeliveryProperties.originalSequenceNumber,
  redeliveryProperties.originalEnqueuedTime,
  redeliveryProperties.deliveries,
  redeliveryProperties.copy,
];

/**
 * The dead letters of one entity: to look at, to send again, to remove. Looking takes no locks and changes nothing. Use it
 * while no other receiver takes the same dead letters; what others hold is reported as missed.
 */
export class DeadLetters {
  readonly #client: ServiceBusClient;
  readonly #source: MessageSource;
  readonly #transfer: boolean;
  readonly #clock: Clock;

  /** @internal Made by `client.deadLetters()`. */
  constructor(
    client: ServiceBusClient,
    source: MessageSource,
    { transfer = false }: { readonly transfer?: boolean },
    clock: Clock,
  ) {
    this.#client = client;
    this.#source = source;
    this.#transfer = transfer;
    this.#clock = clock;
  }

  /**
   * The dead letters, oldest first, without locking them; their bodies are the bytes that were sent.
   *
   * @throws the official client's own errors; an `AbortError` when the signal aborts.
   */
  async *list(selection: DeadLetterSelection = {}): AsyncGenerator<ServiceBusReceivedMessage, void, void> {
    checkSelection("list", selection);
    const { abortSignal, limit = Infinity } = selection;
    const receiver = this.#receiver();
    let left = limit;
    // Left out, the official client goes on where the last peek of this entity ended, whoever made it.
    let next: SequenceNumber = selection.fromSequenceNumber ?? first;
    try {
      for (;;) {
        if (abortSignal?.aborted === true) throw abortErrorOf(abortSignal);
        const page = await receiver.peekMessages(peekPage, {
          fromSequenceNumber: next,
          ...(abortSignal === undefined ? {} : { abortSignal: abortSignal as AbortSignal }),
        });
        for (const message of page) {
          next = message.sequenceNumber?.add(1) ?? next;
          if (!isSelected(message, selection)) continue;
          if (left <= 0) return;
          left -= 1;
          yield message;
        }
        if (page.length === 0) return;
      }
    } finally {
      await receiver.close().catch(() => {});
    }
  }

  /** How many there are for each reason, the most frequent first; `""` stands for none. */
  async reasons(selection: DeadLetterSelection = {}): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for await (const { deadLetterReason = "" } of this.list(selection)) {
      counts.set(deadLetterReason, (counts.get(deadLetterReason) ?? 0) + 1);
    }
    return new Map([...counts].sort(([, one], [, other]) => other - one));
  }

  /**
   * Sends the selected dead letters again: a copy is stored before the dead letter is completed, so that a crash at any
   * moment loses nothing; it can leave one message in both places. The copy's id is derived from the dead letter, and a
   * second replay of it carries the same: an entity with duplicate detection keeps one. Only what was there at the
   * beginning is replayed. What fails is reported and stays a dead letter.
   *
   * @throws HoldfastError `misconfigured`; the official client's errors when nothing can be read at all; an `AbortError` when
   * the signal aborts, after giving back what was locked.
   */
  async replay(options: ReplayOptions = {}): Promise<ReplayReport> {
    const settings = replaySettings(options);
    const target = this.#target(options.replayTo);
    const report: ReplayReport = {
      replayed: 0,
      refused: 0,
      missed: 0,
      failed: [],
      lastSequenceNumber: undefined,
    };
    const wanted = new Set<string>();
    for await (const message of this.list(settings)) {
      if (replaysOf(message) >= settings.maxReplays) {
        report.refused += 1;
        advance(report, message);
      } else if (settings.dryRun) {
        report.replayed += 1;
        advance(report, message);
      } else wanted.add(String(message.sequenceNumber));
    }
    if (settings.dryRun || wanted.size === 0) return report;
    const sender = this.#client.createSender(target);
    try {
      await this.#resend(sender, wanted, settings, report);
    } finally {
      await sender.close().catch(() => {});
    }
    report.missed = wanted.size;
    return report;
  }

  /**
   * Removes the selected dead letters for good. Only what was there at the beginning.
   *
   * @throws as `replay()`.
   */
  async purge(selection: DeadLetterSelection = {}): Promise<PurgeReport> {
    const wanted = new Set<string>();
    for await (const message of this.list(selection)) wanted.add(String(message.sequenceNumber));
    const report: PurgeReport = { purged: 0, missed: 0 };
    await pull({
      open: () => this.#receiver(),
      wanted,
      batch: Infinity,
      abortSignal: selection.abortSignal,
      handle: async (message, receiver) => {
        await receiver.completeMessage(message);
        report.purged += 1;
      },
    });
    report.missed = wanted.size;
    return report;
  }

  async #resend(
    sender: ServiceBusSender,
    wanted: Set<string>,
    { perSecond, onProgress, abortSignal }: ReplaySettings,
    report: ReplayReport,
  ): Promise<void> {
    let dueAt = -Infinity;
    await pull({
      open: () => this.#receiver(),
      wanted,
      // Ten seconds' worth: the shortest locks that the service allows last five, the usual ones thirty.
      batch: perSecond * 10,
      abortSignal,
      handle: async (message, receiver) => {
        const waitMs = dueAt - this.#clock.now();
        if (waitMs > 0) await sleep(waitMs, this.#clock, abortSignal);
        dueAt = Math.max(dueAt, this.#clock.now()) + 1_000 / perSecond;
        try {
          await sender.sendMessages(await replayOf(message));
          await receiver.completeMessage(message);
          report.replayed += 1;
        } catch (error) {
          const { messageId, sequenceNumber } = message;
          report.failed.push({ sequenceNumber, messageId, error });
          await receiver.abandonMessage(message).catch(() => {});
        }
        advance(report, message);
        tell(onProgress, report);
      },
    });
  }

  #target(replayTo: ReplayOptions["replayTo"]): string {
    const source = this.#source;
    if (typeof replayTo === "object") {
      if (typeof replayTo.entity === "string" && replayTo.entity !== "") return replayTo.entity;
      throw badOption("replay.replayTo.entity", replayTo.entity, "the name of a queue or topic");
    }
    if (typeof source === "string") {
      if (replayTo === undefined) return source;
      throw badOption("replay.replayTo", replayTo, "left out, or { entity }, for a queue");
    }
    if (replayTo === "topic") return source.topic;
    const allowed = '"topic", where every subscription gets a copy, or { entity }, for a subscription';
    throw badOption("replay.replayTo", replayTo, allowed);
  }

  #receiver(): ServiceBusReceiver {
    const source = this.#source;
    const options = {
      subQueueType: this.#transfer ? ("transferDeadLetter" as const) : ("deadLetter" as const),
      // The bytes that were sent, not what parsing and serialising makes of them.
      skipParsingBodyAsJson: true,
    };
    return typeof source === "string"
      ? this.#client.createReceiver(source, options)
      : this.#client.createReceiver(source.topic, source.subscription, options);
  }
}

/** The copy of a dead letter that is sent. */
async function replayOf(message: ServiceBusReceivedMessage): Promise<SingleMessage> {
  const { messageId, sequenceNumber, applicationProperties } = message;
  const replays = replaysOf(message) + 1;
  const originalId = applicationProperties?.[replayProperties.originalId] ?? messageId;
  return copyOf(message, {
    messageId: await derivedId(messageId, sequenceNumber, replays),
    applicationProperties: {
      ...(originalId === undefined ? {} : { [replayProperties.originalId]: String(originalId) }),
      [replayProperties.replays]: replays,
    },
    without: ofTheDead,
  });
}

function replaysOf({ applicationProperties }: ServiceBusReceivedMessage): number {
  const replays = applicationProperties?.[replayProperties.replays];
  return typeof replays === "number" && replays > 0 ? replays : 0;
}

function advance(report: ReplayReport, { sequenceNumber }: ServiceBusReceivedMessage): void {
  const { lastSequenceNumber: last } = report;
  if (sequenceNumber === undefined || (last?.greaterThanOrEqual(sequenceNumber) ?? false)) return;
  report.lastSequenceNumber = sequenceNumber;
}

function tell(onProgress: (report: ReplayReport) => void, report: ReplayReport): void {
  try {
    onProgress(report);
  } catch {
    // An observer cannot break a replay.
  }
}
