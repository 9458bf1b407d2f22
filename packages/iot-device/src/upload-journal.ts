/** An upload that the hub has opened and that it has not been told the end of. */
export interface OpenUpload {
  readonly correlationId: string;
  readonly blobName: string;
  /** Milliseconds since 1970, by this machine's clock. */
  readonly openedAtMs: number;
}

/**
 * Remembers open uploads, so that a process that died in the middle of one tells the hub at its next start: an upload that
 * is never notified blocks one of ten places for an hour (403006).
 */
export interface UploadJournal {
  /** Resolves once it would survive the process. */
  opened(upload: OpenUpload): Promise<void>;
  notified(correlationId: string): Promise<void>;
  /** Those that were opened and not notified, by this process or an earlier one. */
  unfinished(): Promise<readonly OpenUpload[]>;
}

/** For a process's life only; the default. */
export class MemoryUploadJournal implements UploadJournal {
  readonly #open = new Map<string, OpenUpload>();

  opened(upload: OpenUpload): Promise<void> {
    this.#open.set(upload.correlationId, upload);
    return Promise.resolve();
  }

  notified(correlationId: string): Promise<void> {
    this.#open.delete(correlationId);
    return Promise.resolve();
  }

  unfinished(): Promise<readonly OpenUpload[]> {
    return Promise.resolve([...this.#open.values()]);
  }
}
