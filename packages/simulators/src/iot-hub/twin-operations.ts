import type { Hub } from "./hub.ts";
import { hubErrors } from "./hub-error.ts";
import { HubFailure } from "./hub-failure.ts";
import type { Identity } from "./identity.ts";
import type { TwinEntry } from "./journal-entries.ts";
import { isObject, type JsonObject } from "./twin.ts";

/** Writes down a twin operation. */
export function journalTwin(
  hub: Hub,
  identity: Identity,
  operation: TwinEntry["operation"],
  entry: Partial<Pick<TwinEntry, "status" | "version" | "connection" | "body">>,
): void {
  hub.ledgers.twins.add({
    at: hub.clock.now(),
    device: identity.key,
    operation,
    status: entry.status,
    version: entry.version,
    connection: entry.connection,
    body: entry.body,
  });
}

function throttle(hub: Hub): void {
  if (!hub.throttle.admitTwinOperation()) throw new HubFailure(hubErrors.throttled);
}

/** A device reads its twin. @throws HubFailure 429001 */
export function readTwin(hub: Hub, identity: Identity): JsonObject {
  throttle(hub);
  return { desired: identity.twin.section("desired"), reported: identity.twin.section("reported") };
}

/** A device updates its reported properties. @returns the new version @throws HubFailure 400, 429001 */
export function updateReported(hub: Hub, identity: Identity, body: string): number {
  throttle(hub);
  let patch: unknown;
  try {
    patch = JSON.parse(body);
  } catch {
    patch = undefined;
  }
  if (!isObject(patch)) throw new HubFailure(hubErrors.argument, "The patch is not a JSON object.");
  return identity.twin.update("reported", patch, hub.clock.wallNow());
}

/** A service changes desired properties; a connected device is told. @returns the new version */
export function updateDesired(hub: Hub, identity: Identity, patch: JsonObject, replace = false): number {
  const version = identity.twin.update("desired", patch, hub.clock.wallNow(), replace);
  const connection = hub.presence.of(identity.key);
  if (connection?.takesDesired === true) connection.pushDesired({ ...patch, $version: version });
  return version;
}

/** The body of a failed twin operation, as devices get it. */
export function twinErrorBody(
  hub: Hub,
  code: number | undefined,
  status: number,
  message: string,
): JsonObject {
  return {
    errorCode: code ?? status * 1_000,
    trackingId: "simulated",
    message,
    timestampUtc: new Date(hub.clock.wallNow()).toISOString(),
  };
}
