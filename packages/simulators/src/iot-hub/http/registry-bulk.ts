import type { Hub } from "../hub.ts";
import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { checkedId } from "../options.ts";
import { identityKey, type Identity } from "../identity.ts";
import { isObject, merged, type JsonObject } from "../twin.ts";
import { updateDesired } from "../twin-operations.ts";
import type { HubRequest, HubResponse, Route } from "./exchange.ts";
import { applyDescription } from "./registry.ts";
import { requireRight } from "./service-access.ts";

// https://learn.microsoft.com/rest/api/iothub/service/bulk-registry/update-registry
const MAX_DEVICES = 100;

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Carries one item out. @throws HubFailure */
function carryOut(hub: Hub, item: JsonObject): void {
  const id = textOf(item["id"]) ?? "";
  const moduleId = textOf(item["moduleId"]);
  const key = identityKey(id, moduleId);
  const mode = String(item["importMode"]).toLowerCase();
  if (mode === "create") {
    checkedId("id", id);
    if (moduleId !== undefined) hub.identity(id);
    const created = hub.register({ deviceId: id, ...(moduleId === undefined ? {} : { moduleId }) });
    applyDescription(hub, created, item);
    applyTwin(hub, created, item);
    return;
  }
  const identity = hub.identity(key);
  const isTwin = mode.startsWith("updatetwin");
  const etag = textOf(item[isTwin ? "twinETag" : "eTag"] ?? item["etag"]);
  const current = isTwin ? identity.twin.etag : identity.etag;
  if (mode.endsWith("ifmatchetag") && etag !== undefined && etag !== current) {
    throw new HubFailure(hubErrors.preconditionFailed);
  }
  if (isTwin) applyTwin(hub, identity, item);
  else if (mode.startsWith("update")) applyDescription(hub, identity, item);
  else if (mode.startsWith("delete")) hub.unregister(key);
  else throw new HubFailure(hubErrors.argument, `The import mode '${mode}' is not supported.`);
}

/** Tags and desired properties, which an item may bring along. */
function applyTwin(hub: Hub, identity: Identity, { tags, properties }: JsonObject): void {
  if (isObject(tags)) {
    identity.twin.tags = merged(identity.twin.tags, tags);
    identity.twin.touch();
  }
  const desired = isObject(properties) ? properties["desired"] : undefined;
  if (isObject(desired)) updateDesired(hub, identity, desired);
}

/** Each item stands alone: some may fail while others are carried out. */
function bulk(request: HubRequest): HubResponse {
  requireRight(request, "RegistryWrite");
  let items: unknown;
  try {
    items = JSON.parse(request.body.toString("utf8"));
  } catch {
    items = undefined;
  }
  if (!Array.isArray(items) || items.length > MAX_DEVICES) {
    throw new HubFailure(
      hubErrors.argument,
      `The body is not an array of at most ${String(MAX_DEVICES)} devices.`,
    );
  }
  const errors: JsonObject[] = [];
  for (const item of items.filter(isObject)) {
    try {
      carryOut(request.hub, item);
    } catch (error) {
      const { name, message } =
        error instanceof HubFailure ? error.error : { name: "ArgumentInvalid", message: String(error) };
      errors.push({ deviceId: item["id"], errorCode: name, errorStatus: message });
    }
  }
  return {
    status: errors.length === 0 ? 200 : 400,
    body: { isSuccessful: errors.length === 0, errors, warnings: [] },
  };
}

/** Up to 100 devices at once. */
export const bulkRoutes: readonly Route[] = [
  { method: "POST", path: "/devices", step: "service", handle: bulk },
];
