import { randomBytes } from "node:crypto";
import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import type { JsonObject } from "../twin.ts";
import { ifMatch, jsonOf, type HubRequest, type HubResponse, type Route } from "./exchange.ts";
import { requireRight } from "./service-access.ts";

const noMetrics = { results: {}, queries: {} };

function put(request: HubRequest, id: string): HubResponse {
  requireRight(request, "RegistryWrite");
  const { configurations, clock } = request.hub;
  const known = configurations.get(id);
  if (known === undefined && request.headers["if-match"] !== undefined) {
    throw new HubFailure(hubErrors.configurationNotFound);
  }
  if (known !== undefined && request.headers["if-match"] === undefined) {
    throw new HubFailure(hubErrors.configurationExists);
  }
  if (known !== undefined && !ifMatch(request, String(known["etag"]))) {
    throw new HubFailure(hubErrors.preconditionFailed);
  }
  const now = new Date(clock.wallNow()).toISOString();
  const configuration: JsonObject = {
    schemaVersion: "1.0",
    labels: {},
    targetCondition: "",
    priority: 0,
    metrics: noMetrics,
    ...jsonOf(request),
    id,
    systemMetrics: noMetrics,
    createdTimeUtc: known?.["createdTimeUtc"] ?? now,
    lastUpdatedTimeUtc: now,
    etag: randomBytes(9).toString("base64"),
  };
  configurations.set(id, configuration);
  return { status: 200, body: configuration };
}

function found(request: HubRequest, id: string): JsonObject {
  const configuration = request.hub.configurations.get(id);
  if (configuration === undefined) throw new HubFailure(hubErrors.configurationNotFound);
  return configuration;
}

function remove(request: HubRequest, id: string): HubResponse {
  requireRight(request, "RegistryWrite");
  if (!ifMatch(request, String(found(request, id)["etag"]))) {
    throw new HubFailure(hubErrors.preconditionFailed);
  }
  request.hub.configurations.delete(id);
  return { status: 204 };
}

const route = (
  method: string,
  path: string,
  handle: (request: HubRequest, id: string) => HubResponse,
): Route => ({
  method,
  path,
  step: "service",
  handle: (request, { id = "" }) => handle(request, id),
});

/** Automatic device configurations: kept and shown, not applied. https://learn.microsoft.com/rest/api/iothub/service/configuration */
export const configurationRoutes: readonly Route[] = [
  route("PUT", "/configurations/:id", put),
  route("GET", "/configurations/:id", (request, id) => {
    requireRight(request, "RegistryRead");
    return { status: 200, body: found(request, id) };
  }),
  route("DELETE", "/configurations/:id", remove),
  route("GET", "/configurations", (request) => {
    requireRight(request, "RegistryRead");
    const top = Number(request.query.get("top") ?? 100);
    return { status: 200, body: [...request.hub.configurations.values()].slice(0, top) };
  }),
];
