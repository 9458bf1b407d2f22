import { pageOf } from "../query/page.ts";
import { jsonOf, type HubRequest, type Route } from "./exchange.ts";
import { requireRight } from "./service-access.ts";

const route = (method: string, path: string, handle: Route["handle"]): Route => ({
  method,
  path,
  step: "service",
  handle: (request, parameters) => {
    requireRight(request, "ServiceConnect");
    return handle(request, parameters);
  },
});

function list(request: HubRequest): ReturnType<Route["handle"]> {
  const [type, status] = ["jobType", "jobStatus"].map((name) => request.query.get(name)?.toLowerCase());
  const jobs = request.hub.jobs
    .list()
    .filter((job) => type === undefined || String(job["type"]).toLowerCase() === type)
    .filter((job) => status === undefined || String(job["status"]).toLowerCase() === status);
  return pageOf(request, jobs);
}

/** Scheduled jobs. https://learn.microsoft.com/rest/api/iothub/service/jobs */
export const jobRoutes: readonly Route[] = [
  // Before the route that would take "query" for a job's id.
  route("GET", "/jobs/v2/query", list),
  route("PUT", "/jobs/v2/:id", (request, { id = "" }) => ({
    status: 200,
    body: request.hub.jobs.schedule(id, jsonOf(request)),
  })),
  route("GET", "/jobs/v2/:id", ({ hub }, { id = "" }) => ({ status: 200, body: hub.jobs.get(id) })),
  route("POST", "/jobs/v2/:id/cancel", ({ hub }, { id = "" }) => ({
    status: 200,
    body: hub.jobs.cancel(id),
  })),
];
