import type { Hub } from "./hub.ts";
import type { Identity } from "./identity.ts";
import type { JsonObject } from "./twin.ts";

/** A time as the service writes it; 0 is never. */
export const utc = (ms: number): string => (ms === 0 ? "0001-01-01T00:00:00Z" : new Date(ms).toISOString());

/** A twin as services see it. */
export function describeTwin(hub: Hub, identity: Identity): JsonObject {
  const { twin, authentication } = identity;
  const isSas = authentication.type === "sas";
  return {
    deviceId: identity.deviceId,
    ...(identity.moduleId === undefined ? {} : { moduleId: identity.moduleId }),
    etag: twin.etag,
    deviceEtag: identity.etag,
    status: identity.status,
    statusUpdateTime: utc(0),
    connectionState: hub.presence.of(identity.key) === undefined ? "Disconnected" : "Connected",
    lastActivityTime: utc(identity.lastActivityAt),
    cloudToDeviceMessageCount: identity.queue?.depth ?? 0,
    authenticationType: authentication.type,
    x509Thumbprint: {
      primaryThumbprint: isSas ? null : authentication.primaryThumbprint,
      secondaryThumbprint: isSas ? null : authentication.secondaryThumbprint,
    },
    modelId: identity.modelId,
    version: twin.version,
    tags: structuredClone(twin.tags),
    properties: { desired: twin.described("desired"), reported: twin.described("reported") },
    capabilities: { iotEdge: identity.isEdge },
  };
}
