import { crc32 } from "node:zlib";
import type { StoredEntry, StoredMessage } from "./outbox-store.ts";

// A record on the disk: checksum of all that follows (4), expiry in ms since 1970 (8, Infinity for never), counted bytes (4),
// length of the id (2), the id, the content.
const checksumBytes = 4;
const fixedBytes = checksumBytes + 8 + 4 + 2;

/** A message as it stands on the disk. */
export function encodeRecord({ messageId, expiresAtMs, bytes, content }: StoredMessage): Uint8Array {
  const id = Buffer.from(messageId);
  const record = Buffer.alloc(fixedBytes + id.length + content.length);
  record.writeDoubleBE(expiresAtMs, 4);
  record.writeUInt32BE(bytes, 12);
  record.writeUInt16BE(id.length, 16);
  record.set(id, fixedBytes);
  record.set(content, fixedBytes + id.length);
  record.writeUInt32BE(crc32(record.subarray(checksumBytes)), 0);
  return record;
}

/** Undefined when it is damaged: the embedded store does not verify what it reads. */
export function decodeRecord(
  sequence: number,
  record: Uint8Array,
): { readonly entry: StoredEntry; readonly content: Uint8Array } | undefined {
  const buffer = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (buffer.length < fixedBytes) return undefined;
  if (crc32(buffer.subarray(checksumBytes)) !== buffer.readUInt32BE(0)) return undefined;
  const idEnd = fixedBytes + buffer.readUInt16BE(16);
  const messageId = buffer.toString("utf8", fixedBytes, idEnd);
  const entry = { sequence, messageId, expiresAtMs: buffer.readDoubleBE(4), bytes: buffer.readUInt32BE(12) };
  return { entry, content: buffer.subarray(idEnd) };
}
