import { randomFillSync } from "node:crypto";

/** A lock token: 16 bytes in RFC 4122 order, the order in which `$management` carries it. */
export type LockToken = Buffer;

// Asking the system for so few bytes costs more than all the rest of a delivery; one asks for those of many.
const chance = { bytes: Buffer.alloc(16 * 512), used: Infinity };

/** A new version 4 UUID as bytes. */
export function newLockToken(): LockToken {
  if (chance.used >= chance.bytes.length) {
    randomFillSync(chance.bytes);
    chance.used = 0;
  }
  const bytes = Buffer.from(chance.bytes.subarray(chance.used, chance.used + 16));
  chance.used += 16;
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes;
}

/**
 * The same token as a delivery tag. The service is .NET and writes a GUID as .NET does: the first three groups
 * little-endian. Its own inverse.
 */
export function dotNetByteOrder(token: Buffer): Buffer {
  const swapped = Buffer.from(token);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped;
}

/** The token as the official client prints it: `xxxxxxxx-xxxx-…`. */
export function lockTokenText(token: LockToken): string {
  const hex = token.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
