import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { journalTwin, updateDesired } from "../twin-operations.ts";
import { isObject, merged } from "../twin.ts";
import { describeTwin } from "../twin-description.ts";
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

function get(request: HubRequest, parameters: PathParameters): HubResponse {
  requireRight(request, "ServiceConnect");
  const { hub } = request;
  const identity = hub.identity(keyOf(parameters));
  journalTwin(hub, identity, "service-get", { status: 200 });
  return { status: 200, body: describeTwin(hub, identity), headers: { ETag: `"${identity.twin.etag}"` } };
}

/** PATCH merges, PUT replaces what it names. */
function update(request: HubRequest, parameters: PathParameters, replace: boolean): HubResponse {
  requireRight(request, "ServiceConnect");
  const { hub } = request;
  const identity = hub.identity(keyOf(parameters));
  const { twin } = identity;
  const patch = jsonOf(request);
  if (!ifMatch(request, twin.etag)) {
    journalTwin(hub, identity, "service-update", { status: 412, body: patch });
    throw new HubFailure(hubErrors.preconditionFailed);
  }
  const { tags, properties } = patch;
  if (isObject(tags)) {
    twin.tags = merged(replace ? {} : twin.tags, tags);
    twin.touch();
  }
  const desired = isObject(properties) ? properties["desired"] : undefined;
  const version = isObject(desired) ? updateDesired(hub, identity, desired, replace) : undefined;
  journalTwin(hub, identity, "service-update", {
    status: 200,
    body: patch,
    ...(version === undefined ? {} : { version }),
  });
  return { status: 200, body: describeTwin(hub, identity) };
}

const seconds = (value: unknown): number | undefined =>
  typeof value === "number" && value >= 0 ? value * 1_000 : undefined;

async function invoke(request: HubRequest, parameters: PathParameters): Promise<HubResponse> {
  requireRight(request, "ServiceConnect");
  const { methodName, payload, responseTimeoutInSeconds, connectTimeoutInSeconds } = jsonOf(request);
  if (typeof methodName !== "string" || methodName === "") {
    throw new HubFailure(hubErrors.argument, "methodName is missing.");
  }
  const responseTimeoutMs = seconds(responseTimeoutInSeconds);
  const connectTimeoutMs = seconds(connectTimeoutInSeconds);
  const result = await request.hub.methods.invoke(keyOf(parameters), {
    name: methodName,
    payload,
    ...(responseTimeoutMs === undefined ? {} : { responseTimeoutMs }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
  });
  return { status: 200, body: result };
}

const paths = ["/twins/:device", "/twins/:device/modules/:module"];

/** Twins and direct methods. https://learn.microsoft.com/rest/api/iothub/service/devices */
export const twinRoutes: readonly Route[] = [
  ...paths.flatMap((path): Route[] => [
    { method: "GET", path, step: "service", handle: get },
    { method: "PATCH", path, step: "service", handle: (request, at) => update(request, at, false) },
    { method: "PUT", path, step: "service", handle: (request, at) => update(request, at, true) },
    { method: "POST", path: `${path}/methods`, step: "service", errors: "json", handle: invoke },
  ]),
];
