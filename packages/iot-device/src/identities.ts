import { HoldfastError } from "@holdfast/core";
import type { Identity } from "./credentials.ts";

// Two installed copies of this package, or its ESM and CommonJS builds side by side, share one registry.
const registryKey = Symbol.for("holdfast/1/iot-identities");
const shared = globalThis as Record<symbol, Map<string, object> | undefined>;
const owners: Map<string, object> = (shared[registryKey] ??= new Map<string, object>());

/** The identity as one word, for events. */
export function nameOf({ host, deviceId, moduleId }: Identity): string {
  return moduleId === undefined ? `${host}/${deviceId}` : `${host}/${deviceId}/${moduleId}`;
}

/** What there may be one connection for: a device is one at its hub, and one at each gateway that stands for it. */
export function keyOf(identity: Identity): string {
  return identity.gateway === undefined ? nameOf(identity) : `${identity.gateway}|${nameOf(identity)}`;
}

/**
 * Reserves a device identity for one connection of this process: a second one would only take the first one's place at the
 * hub, without end.
 *
 * @throws HoldfastError `duplicate-identity` when another client has it.
 */
export function claim(identity: string, owner: object): void {
  const present = owners.get(identity);
  if (present !== undefined && present !== owner) {
    throw new HoldfastError(
      "duplicate-identity",
      `Another client of this process is connected as ${identity}; close() it first, or use that one. ` +
        "The hub allows one connection for each identity.",
    );
  }
  owners.set(identity, owner);
}

/** Gives it back; harmless when it is somebody else's. */
export function release(identity: string, owner: object): void {
  if (owners.get(identity) === owner) owners.delete(identity);
}
