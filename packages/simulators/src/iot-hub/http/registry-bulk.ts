import type { Hub } from "../hub.ts";
import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { checkedId } from "../options.ts";
import { isObject, type JsonObject } from "../twin.ts";
import type { HubRequest, HubResponse, Route } from "./exchange.ts";
import { applyDescription } from "./registry.ts";
import { requireRight } from "./service-access.ts";

// https://learn.microsoft.com/rest/api/iothub/service/bulk-registry/update-registry
const MAX_DEVICES = 100;

/** Carries one item out. @throws HubFailure */
function carryOut(hub: Hub, item: JsonObject): void {
  const id = typeof item["id"] === "string" ? item["id"] : "";
  const mode = String(item["importMode"]).toLowerCase();
  const known = hub.identities.get(id);
  if (mode === "create") {
    checkedId("id", id);
    applyDescription(hub, hub.register({ deviceId: id }), item);
    return;
  }
  const identity = hub.identity(id);
  const { eTag, etag = eTag } = item;
  if (mode.endsWith("ifmatchetag") && typeof etag === "string" && etag !== known?.etag) {
    throw new HubFailure(hubErrors.preconditionFailed);
  }
  if (mode.startsWith("update")) applyDescription(hub, identity, item);
  else if (mode.startsWith("delete")) hub.unregister(id);
  else throw new HubFailure(hubErrors.argument, `The import mode '${mode}' is not supported.`);
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
