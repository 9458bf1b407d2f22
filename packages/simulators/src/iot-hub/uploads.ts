import { randomUUID } from "node:crypto";
import type { Hub } from "./hub.ts";
import { hubErrors } from "./hub-error.ts";
import { HubFailure } from "./hub-failure.ts";
import type { Identity } from "./identity.ts";
import type { UploadEntry } from "./journal-entries.ts";
import { ServiceQueue } from "./service-queue.ts";

/** What services are told about a finished upload. */
export interface FileNotification {
  readonly deviceId: string;
  readonly blobUri: string;
  readonly blobName: string;
  readonly lastUpdatedTime: string;
  readonly blobSizeInBytes: number;
  readonly enqueuedTimeUtc: string;
}

/** What a device needs to upload a file. */
export interface UploadGrant {
  readonly correlationId: string;
  readonly hostName: string;
  readonly containerName: string;
  readonly blobName: string;
  readonly sasToken: string;
}

/** What a device reports at the end of an upload. */
export interface UploadReport {
  readonly isSuccess: boolean;
  readonly statusCode: number;
}

/** A file that was uploaded whole. */
export interface StoredBlob {
  readonly name: string;
  readonly body: Buffer;
}

interface Upload {
  readonly identity: Identity;
  readonly entry: UploadEntry;
  readonly expire: () => void;
}

const CONTAINER = "uploads";

/** File uploads: the grants that devices hold, and the container that the files go to. */
export class Uploads {
  /** Kept until a service receives them. */
  readonly notifications = new ServiceQueue<FileNotification>();
  /** Where the blob endpoint listens: `localhost:port`. */
  blobHost = "localhost";
  readonly #hub: Hub;
  readonly #active = new Map<string, Upload>();
  readonly #blobs = new Map<string, Buffer>();
  readonly #blocks = new Map<string, Map<string, Buffer>>();

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** Uploads that a device has begun and not reported as finished. */
  activeOf(deviceId: string): number {
    return [...this.#active.values()].filter(({ identity }) => identity.deviceId === deviceId).length;
  }

  /** Files of the container, by name: `device/blob`. */
  get blobs(): readonly StoredBlob[] {
    return [...this.#blobs].map(([name, body]) => ({ name, body }));
  }

  /** @throws HubFailure 403006 when the device has too many uploads under way */
  begin(identity: Identity, blobName: string): UploadGrant {
    const { settings, timers, clock, ledgers } = this.#hub;
    const { deviceId } = identity;
    if (this.activeOf(deviceId) >= settings.maxActiveUploads) {
      this.#hub.writeLog("FileUploadOperations", "initiate", deviceId, hubErrors.tooManyUploads);
      throw new HubFailure(
        hubErrors.tooManyUploads,
        `Number of active file upload requests cannot exceed ${String(settings.maxActiveUploads)}`,
      );
    }
    const correlationId = Buffer.from(randomUUID()).toString("base64");
    const entry: UploadEntry = ledgers.uploads.add({
      at: clock.now(),
      device: deviceId,
      correlationId,
      blobName: `${deviceId}/${blobName}`,
    });
    const expire = timers.after(settings.uploadTtlMs, () => {
      this.#active.delete(correlationId);
      entry.expiredAt = clock.now();
    });
    this.#active.set(correlationId, { identity, entry, expire });
    return {
      correlationId,
      hostName: this.blobHost,
      containerName: CONTAINER,
      blobName: `${deviceId}/${blobName}`,
      sasToken: `?sv=2021-04-10&sr=b&sp=rw&sig=${encodeURIComponent(correlationId)}`,
    };
  }

  /** @throws HubFailure 404 when there is no such upload (any more) */
  report(deviceId: string, correlationId: string, { isSuccess, statusCode }: UploadReport): void {
    const upload = this.#active.get(correlationId);
    if (upload?.identity.deviceId !== deviceId) {
      throw new HubFailure(
        { ...hubErrors.argument, status: 404, name: "UploadNotFound" },
        "There is no such upload.",
      );
    }
    const { clock } = this.#hub;
    const { entry } = upload;
    upload.expire();
    this.#active.delete(correlationId);
    entry.notifiedAt = clock.now();
    entry.isSuccess = isSuccess;
    entry.statusCode = statusCode;
    const blob = this.#blobs.get(entry.blobName);
    if (!isSuccess || blob === undefined) return;
    const at = new Date(clock.wallNow()).toISOString();
    this.notifications.push({
      deviceId,
      blobUri: `https://${this.blobHost}/${CONTAINER}/${entry.blobName}`,
      blobName: entry.blobName,
      lastUpdatedTime: at,
      blobSizeInBytes: blob.length,
      enqueuedTimeUtc: at,
    });
  }

  /** Whether a signature of a grant lets its holder write this blob. */
  mayWrite(blobName: string, signature: string | null): boolean {
    return this.#active.get(signature ?? "")?.entry.blobName === blobName;
  }

  putBlock(blobName: string, blockId: string, body: Buffer): void {
    const blocks = this.#blocks.get(blobName) ?? new Map<string, Buffer>();
    this.#blocks.set(blobName, blocks);
    blocks.set(blockId, body);
  }

  /** Makes a blob of blocks that were put before; false when one is missing. */
  commit(blobName: string, blockIds: readonly string[]): boolean {
    const blocks = this.#blocks.get(blobName);
    const parts = blockIds.map((id) => blocks?.get(id));
    if (parts.some((part) => part === undefined)) return false;
    this.#blocks.delete(blobName);
    this.putBlob(blobName, Buffer.concat(parts.filter((part) => part !== undefined)));
    return true;
  }

  putBlob(blobName: string, body: Buffer): void {
    this.#blobs.set(blobName, body);
    for (const { entry } of this.#active.values()) {
      if (entry.blobName !== blobName) continue;
      entry.storedAt = this.#hub.clock.now();
      entry.bytes = body.length;
    }
  }
}
