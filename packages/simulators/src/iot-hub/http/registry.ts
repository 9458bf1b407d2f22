import type { Hub } from "../hub.ts";
import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { authenticationOf, type Identity } from "../identity.ts";
import { checkedId, type IdentityOptions } from "../options.ts";
import { isObject, type JsonObject } from "../twin.ts";
import { utc } from "../twin-description.ts";
import {
  ifMatch,
  jsonOf,
  keyOf,
  type HubRequest,
  type HubResponse,
  type PathParameters,
  type Route,
} from "./exchange.ts";
import { requireRight } from "./service-access.ts";

/** An identity as the registry shows it. */
function describeIdentity(hub: Hub, identity: Identity): JsonObject {
  const { authentication } = identity;
  const isSas = authentication.type === "sas";
  return {
    deviceId: identity.deviceId,
    ...(identity.moduleId === undefined ? {} : { moduleId: identity.moduleId }),
    generationId: identity.generationId,
    etag: identity.etag,
    connectionState: hub.presence.of(identity.key) === undefined ? "Disconnected" : "Connected",
    status: identity.status,
    statusReason: identity.statusReason ?? null,
    connectionStateUpdatedTime: utc(identity.connectionStateChangedAt),
    statusUpdatedTime: utc(0),
    lastActivityTime: utc(identity.lastActivityAt),
    cloudToDeviceMessageCount: identity.queue?.depth ?? 0,
    capabilities: { iotEdge: identity.isEdge },
    authentication: {
      type: authentication.type,
      symmetricKey: {
        primaryKey: isSas ? authentication.primaryKey : null,
        secondaryKey: isSas ? authentication.secondaryKey : null,
      },
      x509Thumbprint: {
        primaryThumbprint: isSas ? null : authentication.primaryThumbprint,
        secondaryThumbprint: isSas ? null : authentication.secondaryThumbprint,
      },
    },
  };
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Keys and thumbprints that a description gives. */
function credentialsOf(description: JsonObject): Omit<IdentityOptions, "deviceId"> {
  const given = isObject(description["authentication"]) ? description["authentication"] : {};
  const keys = isObject(given["symmetricKey"]) ? given["symmetricKey"] : {};
  const prints = isObject(given["x509Thumbprint"]) ? given["x509Thumbprint"] : {};
  const all = {
    primaryKey: text(keys["primaryKey"]),
    secondaryKey: text(keys["secondaryKey"]),
    primaryThumbprint: text(prints["primaryThumbprint"]),
    secondaryThumbprint: text(prints["secondaryThumbprint"]),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Applies what a service says about an identity. */
export function applyDescription(hub: Hub, identity: Identity, description: JsonObject): void {
  const credentials = credentialsOf(description);
  if (Object.keys(credentials).length > 0) {
    identity.authentication = authenticationOf(identity.key, credentials);
  }
  if (description["status"] === "enabled" || description["status"] === "disabled") {
    identity.status = description["status"];
  }
  identity.statusReason = text(description["statusReason"]);
  const { capabilities } = description;
  if (isObject(capabilities)) identity.isEdge = capabilities["iotEdge"] === true;
  identity.touch();
  if (identity.status === "disabled") hub.presence.of(identity.key)?.close(hubErrors.authenticationFailed);
}

/** Creates without `If-Match`, updates with it. */
function put(request: HubRequest, parameters: PathParameters): HubResponse {
  requireRight(request, "RegistryWrite");
  const { hub } = request;
  const key = keyOf(parameters);
  const description = jsonOf(request);
  const known = hub.identities.get(key);
  if (request.headers["if-match"] === undefined) {
    const { device = "", module } = parameters;
    try {
      checkedId("deviceId", device);
      if (module !== undefined) checkedId("moduleId", module);
    } catch (error) {
      throw new HubFailure(hubErrors.argument, error instanceof Error ? error.message : undefined);
    }
    if (module !== undefined) hub.identity(device);
    const identity = hub.register({
      deviceId: device,
      ...(module === undefined ? {} : { moduleId: module }),
    });
    applyDescription(hub, identity, description);
    return { status: 200, body: describeIdentity(hub, identity) };
  }
  if (known === undefined) return notFound(hub, key);
  if (!ifMatch(request, known.etag)) throw new HubFailure(hubErrors.preconditionFailed);
  applyDescription(hub, known, description);
  return { status: 200, body: describeIdentity(hub, known) };
}

// Throws: the hub says which of device and module is missing.
function notFound(hub: Hub, key: string): never {
  hub.identity(key);
  throw new HubFailure(hubErrors.deviceNotFound);
}

function get(request: HubRequest, parameters: PathParameters): HubResponse {
  requireRight(request, "RegistryRead");
  const identity = request.hub.identity(keyOf(parameters));
  return {
    status: 200,
    body: describeIdentity(request.hub, identity),
    headers: { ETag: `"${identity.etag}"` },
  };
}

function remove(request: HubRequest, parameters: PathParameters): HubResponse {
  requireRight(request, "RegistryWrite");
  const key = keyOf(parameters);
  const identity = request.hub.identity(key);
  if (!ifMatch(request, identity.etag)) throw new HubFailure(hubErrors.preconditionFailed);
  request.hub.unregister(key);
  return { status: 204 };
}

function list(request: HubRequest, of: (identity: Identity) => boolean): HubResponse {
  requireRight(request, "RegistryRead");
  const { hub } = request;
  const top = Number(request.query.get("top") ?? 1_000);
  const identities = [...hub.identities.values()].filter(of).slice(0, top);
  return { status: 200, body: identities.map((identity) => describeIdentity(hub, identity)) };
}

function purge(request: HubRequest, parameters: PathParameters): HubResponse {
  requireRight(request, "ServiceConnect");
  const { queue, deviceId } = request.hub.identity(keyOf(parameters));
  return { status: 200, body: { deviceId, totalMessagesPurged: queue?.purge() ?? 0 } };
}

function statistics(request: HubRequest): HubResponse {
  requireRight(request, "RegistryRead");
  const devices = [...request.hub.identities.values()].filter(({ moduleId }) => moduleId === undefined);
  const enabled = devices.filter(({ status }) => status === "enabled").length;
  return {
    status: 200,
    body: {
      totalDeviceCount: devices.length,
      enabledDeviceCount: enabled,
      disabledDeviceCount: devices.length - enabled,
    },
  };
}

function serviceStatistics(request: HubRequest): HubResponse {
  requireRight(request, "RegistryRead");
  const { identities, presence } = request.hub;
  const isConnected = (key: string): boolean => presence.of(key) !== undefined;
  return { status: 200, body: { connectedDeviceCount: [...identities.keys()].filter(isConnected).length } };
}

const route = (method: string, path: string, handle: Route["handle"]): Route => ({
  method,
  path,
  step: "service",
  handle,
});

/** The identity registry. https://learn.microsoft.com/rest/api/iothub/service/devices */
export const registryRoutes: readonly Route[] = [
  route("PUT", "/devices/:device", put),
  route("GET", "/devices/:device", get),
  route("DELETE", "/devices/:device", remove),
  route("GET", "/devices", (request) => list(request, ({ moduleId }) => moduleId === undefined)),
  route("PUT", "/devices/:device/modules/:module", put),
  route("GET", "/devices/:device/modules/:module", get),
  route("DELETE", "/devices/:device/modules/:module", remove),
  route("GET", "/devices/:device/modules", (request, { device }) =>
    list(request, ({ deviceId, moduleId }) => deviceId === device && moduleId !== undefined),
  ),
  route("DELETE", "/devices/:device/commands", purge),
  route("GET", "/statistics/devices", statistics),
  route("GET", "/statistics/service", serviceStatistics),
];
