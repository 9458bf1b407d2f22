import type { Readable } from "node:stream";
import { run, type Attempt } from "@holdfast/core";
import { blockId, blocksOf, putBlock, putBlockList, type UploadTarget } from "./blob.ts";
import { timeoutError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";
import { Slots } from "./slots.ts";
import { tellFailed } from "./telling.ts";
import { MemoryUploadJournal, type UploadJournal } from "./upload-journal.ts";

/** The official client's own calls, each once. */
export interface FileCalls {
  begin(blobName: string): Promise<UploadTarget>;
  notify(correlationId: string, isSuccess: boolean, status: number, description: string): Promise<void>;
}

/** The status of an upload that a process did not live to finish; any but a success will do. */
const unfinishedStatus = 499;

/** An open upload is forgotten by the hub after an hour, and telling it of one then is an error. */
const forgottenAfterMs = 3_600_000;

/**
 * File uploads: a few at once, each step repeated, and the hub always told of the end. An upload that it is not told of
 * takes one of the device's ten places for an hour (403006).
 */
export class Uploads {
  readonly #calls: FileCalls;
  readonly #resilience: Resilience;
  readonly #device: () => string;
  readonly #journal: UploadJournal;
  readonly #slots: Slots;
  readonly #open = new Set<string>();
  #replaying: Promise<void> | undefined;

  constructor(calls: FileCalls, resilience: Resilience, device: () => string) {
    this.#calls = calls;
    this.#resilience = resilience;
    this.#device = device;
    this.#journal = resilience.uploadJournal ?? new MemoryUploadJournal();
    this.#slots = new Slots(resilience.maxUploads);
  }

  /** The whole of it: a place to put the file, the file in blocks, the notification. */
  upload(blobName: string, stream: Readable): Promise<void> {
    return this.#slots.run(async () => {
      const target = await this.begin(blobName);
      let failure: { readonly error: unknown } | undefined;
      try {
        await this.#put(target, stream);
      } catch (error) {
        failure = { error };
      }
      const status = failure === undefined ? 200 : statusOf(failure.error);
      await this.notify(
        target.correlationId,
        failure === undefined,
        status,
        failure ? "upload failed" : "OK",
      );
      if (failure !== undefined) throw failure.error;
    });
  }

  /** Asks the hub for a place, and writes down that it is open. */
  async begin(blobName: string): Promise<UploadTarget> {
    const target = await this.#run(() => this.#calls.begin(blobName));
    const { correlationId } = target;
    this.#open.add(correlationId);
    const openedAtMs = this.#resilience.clock.wallNow();
    // The hub has opened it, so it goes on; only the next process would not know of it.
    await this.#told(this.#journal.opened({ correlationId, blobName, openedAtMs }));
    return target;
  }

  /** Tells the hub of the end; what cannot be told now stays in the journal for the next connection or process. */
  async notify(
    correlationId: string,
    isSuccess: boolean,
    status: number,
    description: string,
  ): Promise<void> {
    try {
      await this.#run(async ({ number }) => {
        try {
          await this.#calls.notify(correlationId, isSuccess, status, description);
        } catch (error) {
          // It forgets what it was told the end of: the answer to an attempt before was lost.
          if (number === 1 || !this.#isForgotten(error)) throw error;
        }
      });
      await this.#told(this.#journal.notified(correlationId));
    } finally {
      this.#open.delete(correlationId);
    }
  }

  /** Tells the hub of uploads that were left open, by an earlier process or by a notification that failed. */
  replay(): Promise<void> {
    this.#replaying ??= this.#told(this.#replay()).finally(() => {
      this.#replaying = undefined;
    });
    return this.#replaying;
  }

  async #replay(): Promise<void> {
    const now = this.#resilience.clock.wallNow();
    for (const { correlationId, openedAtMs } of await this.#journal.unfinished()) {
      if (this.#open.has(correlationId)) continue;
      if (now - openedAtMs > forgottenAfterMs) await this.#journal.notified(correlationId);
      else await this.#told(this.#conclude(correlationId));
    }
  }

  async #conclude(correlationId: string): Promise<void> {
    try {
      await this.notify(correlationId, false, unfinishedStatus, "the device ended before the upload did");
    } catch (error) {
      if (!this.#isForgotten(error)) throw error;
      await this.#journal.notified(correlationId);
    }
  }

  /** The hub knows no such upload, or knows its end: there is nothing to tell any more. */
  #isForgotten(error: unknown): boolean {
    const { kind } = this.#resilience.classify(error, this.#resilience.clock.wallNow());
    return kind === "not-found" || kind === "client-bug";
  }

  /** What fails here is an event: it must not keep from what comes next. */
  async #told(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      tellFailed(this.#resilience, this.#device(), "upload", error);
    });
  }

  async #put(target: UploadTarget, stream: Readable): Promise<void> {
    const agent = this.#resilience.blobAgent;
    const ids: string[] = [];
    for await (const block of blocksOf(stream)) {
      const id = blockId(ids.length);
      ids.push(id);
      await this.#run(({ signal }) => putBlock(target, id, block, { agent, signal }));
    }
    await this.#run(({ signal }) => putBlockList(target, ids, { agent, signal }));
  }

  #run<T>(work: (attempt: Attempt) => Promise<T>): Promise<T> {
    const { policy, classify, clock, random, onEvent } = this.#resilience;
    return run(work, {
      ...{ operation: "iot.upload", target: this.#device(), policy: policy("iot.upload") },
      ...{ classify, clock, random, onEvent },
      act: () => undefined,
      timeoutError: (ms) => timeoutError("iot.upload", ms),
    });
  }
}

function statusOf(error: unknown): number {
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === "number" ? statusCode : 500;
}
