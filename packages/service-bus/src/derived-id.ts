import { sha256 } from "./content-digest.ts";

/**
 * The id of the `n`-th copy of a stored message: the same whenever it is computed, so that a copy that is sent again after
 * a crash is recognised by duplicate detection; another than the original's, which the entity may still remember; and another
 * for every stored message, though two may carry the same id. 64 characters (the service allows 128).
 */
export function derivedId(originalId: unknown, sequenceNumber: unknown, n: number): Promise<string> {
  return sha256(JSON.stringify([String(originalId), String(sequenceNumber), n]));
}
