import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { pageOf } from "../query/page.ts";
import { parseQuery, type Query } from "../query/query.ts";
import type { JsonObject } from "../twin.ts";
import { describeTwin } from "../twin-description.ts";
import { jsonOf, type HubRequest, type HubResponse, type Route } from "./exchange.ts";
import { requireRight } from "./service-access.ts";

function understood(text: unknown): Query {
  if (typeof text !== "string") throw new HubFailure(hubErrors.argument, "The query is missing.");
  try {
    return parseQuery(text);
  } catch (error) {
    throw new HubFailure(hubErrors.argument, error instanceof Error ? error.message : undefined);
  }
}

function documents(request: HubRequest, from: Query["from"]): JsonObject[] {
  const { hub } = request;
  if (from === "devices.jobs") return hub.jobs.deviceJobs();
  const wantsModules = from === "devices.modules";
  return [...hub.identities.values()]
    .filter(({ moduleId }) => (moduleId !== undefined) === wantsModules)
    .map((identity) => describeTwin(hub, identity));
}

function query(request: HubRequest): HubResponse {
  requireRight(request, "ServiceConnect");
  const asked = understood(jsonOf(request)["query"]);
  const page = pageOf(request, asked.run(documents(request, asked.from)));
  const whole = asked.from === "devices.jobs" ? "DeviceJob" : "Twin";
  return { ...page, headers: { ...page.headers, "x-ms-item-type": asked.isWhole ? whole : "Raw" } };
}

/** The query language over twins and jobs. https://learn.microsoft.com/rest/api/iothub/service/query */
export const queryRoutes: readonly Route[] = [
  { method: "POST", path: "/devices/query", step: "service", handle: query },
];
