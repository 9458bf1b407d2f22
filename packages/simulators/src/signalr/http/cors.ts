import type { IncomingHttpHeaders } from "node:http";
import type { SignalRSettings } from "../options.ts";

/** What lets a script of another origin read an answer; nothing when there is no such origin or it may not. */
export function corsHeaders(
  settings: Pick<SignalRSettings, "cors" | "exposedHeaders">,
  request: IncomingHttpHeaders,
): Record<string, string> {
  const { origin } = request;
  const { cors, exposedHeaders } = settings;
  const allowed = Array.isArray(cors) ? cors.includes(origin ?? "") : cors === true;
  if (origin === undefined || !allowed) return {};
  const method = request["access-control-request-method"];
  const headers = request["access-control-request-headers"];
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    vary: "origin",
    ...(method === undefined ? {} : { "access-control-allow-methods": method }),
    ...(headers === undefined ? {} : { "access-control-allow-headers": headers }),
    ...(exposedHeaders.length === 0 ? {} : { "access-control-expose-headers": exposedHeaders.join(", ") }),
  };
}
