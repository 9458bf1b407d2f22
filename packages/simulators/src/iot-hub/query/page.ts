import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import type { HubRequest, HubResponse } from "../http/exchange.ts";

const MAX_PAGE = 100;

const asNumber = (value: string | string[] | undefined): number | undefined =>
  typeof value === "string" && /^\d+$/.test(value) ? Number(value) : undefined;

/**
 * The page that a request asks for by `x-ms-max-item-count` and `x-ms-continuation`.
 * @throws HubFailure 400 for a continuation that is not ours
 */
export function pageOf(request: HubRequest, items: readonly unknown[]): HubResponse {
  const { headers } = request;
  const size = Math.min(asNumber(headers["x-ms-max-item-count"]) ?? MAX_PAGE, MAX_PAGE);
  const given = headers["x-ms-continuation"];
  const start = typeof given === "string" ? offsetOf(given) : 0;
  if (start === undefined || size === 0) throw new HubFailure(hubErrors.argument, "The page is not valid.");
  const end = start + size;
  return {
    status: 200,
    body: items.slice(start, end),
    headers: end < items.length ? { "x-ms-continuation": tokenOf(end) } : {},
  };
}

const tokenOf = (offset: number): string => Buffer.from(`at ${String(offset)}`).toString("base64");

function offsetOf(token: string): number | undefined {
  const match = /^at (\d+)$/.exec(Buffer.from(token, "base64").toString("utf8"));
  return match === null ? undefined : Number(match[1]);
}
