import type { IncomingMessage } from "node:http";
import type {
  Duplicated,
  HubConnectionFault,
  HubRefusal,
  IotHubStep,
  LateAnswer,
  LostAnswer,
  Malformed,
} from "../faults.ts";
import type { Hub } from "../hub.ts";
import { hubErrors, type HubError } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import { identityKey } from "../identity.ts";
import { isObject, type JsonObject } from "../twin.ts";

/** A request that has arrived whole. */
export interface HubRequest {
  readonly hub: Hub;
  readonly method: string;
  /** Decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  readonly thumbprints: readonly string[];
}

/** An answer. Objects go as JSON. */
export interface HubResponse {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The parts of a path that stand for something. */
export type PathParameters = Readonly<Record<string, string>>;

/** One verb of the hub's interface. */
export interface Route {
  readonly method: string;
  /** Segments; `:name` stands for any, `*name` at the end for the rest. */
  readonly path: string;
  readonly step: IotHubStep;
  /** Errors are text (`ErrorCode:DeviceNotFound;…`) unless they are JSON inside of JSON. */
  readonly errors?: "json";
  handle(request: HubRequest, parameters: PathParameters): HubResponse | Promise<HubResponse>;
}

/** A fault that can happen to a request. */
export type RequestFault = HubRefusal | LostAnswer | LateAnswer | HubConnectionFault | Duplicated | Malformed;

/** The parameters of a route when the request is for it. */
export function matchRoute(
  route: Route,
  method: string,
  segments: readonly string[],
): PathParameters | undefined {
  const pattern = route.path.split("/").slice(1);
  const takesRest = pattern.at(-1)?.startsWith("*") === true;
  if (route.method !== method) return undefined;
  if (takesRest ? segments.length < pattern.length : segments.length !== pattern.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (part.startsWith("*")) parameters[part.slice(1)] = segments.slice(index).join("/");
    else if (part.startsWith(":")) parameters[part.slice(1)] = segment;
    else if (part.toLowerCase() !== segment.toLowerCase()) return undefined;
  }
  return parameters;
}

/** The device or module that the parameters name. */
export function keyOf({ device, module }: PathParameters): string {
  return identityKey(device ?? "", module);
}

/** The body as a JSON object. @throws HubFailure 400 */
export function jsonOf(request: HubRequest): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(request.body.toString("utf8"));
  } catch {
    value = undefined;
  }
  if (!isObject(value)) throw new HubFailure(hubErrors.argument, "The body is not a JSON object.");
  return value;
}

/** Whether `If-Match` lets a change of something with this etag pass; absent it does. */
export function ifMatch(request: HubRequest, etag: string): boolean {
  const given = request.headers["if-match"]?.replace(/^(W\/)?"|"$/g, "");
  return given === undefined || given === "*" || given === etag;
}

/** An error as the hub writes it. */
export function errorResponse(hub: Hub, error: HubError, form: Route["errors"]): HubResponse {
  const timestamp = new Date(hub.clock.wallNow()).toISOString();
  // A missing device is told in the words of the registry, which clients understand.
  const message =
    form === "json" && error.code !== hubErrors.deviceNotFound.code
      ? JSON.stringify({
          errorCode: error.code ?? error.status * 1_000,
          trackingId: "simulated",
          message: error.message,
          info: {},
          timestampUtc: timestamp,
        })
      : `ErrorCode:${error.name};${error.message}`;
  const { retryAfterSeconds } = error;
  return {
    status: error.status,
    body: { Message: message, ExceptionMessage: `Tracking ID:simulated-TimeStamp:${timestamp}` },
    headers: {
      "iothub-errorcode": error.name,
      ...(retryAfterSeconds === undefined ? {} : { "Retry-After": String(retryAfterSeconds) }),
    },
  };
}
