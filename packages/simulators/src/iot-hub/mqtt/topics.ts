import type { Identity } from "../identity.ts";

/** Properties of a message, apart: the hub's own by their short names, and the application's. */
export interface PropertyBag {
  readonly systemProperties: Record<string, string>;
  readonly properties: Record<string, string>;
}

/** The property bag at the end of a topic: `%24.mid=m1&color=red`. */
function parsePropertyBag(bag: string): PropertyBag {
  const result: PropertyBag = { systemProperties: {}, properties: {} };
  for (const pair of bag.replace(/\/$/, "").split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decodeURIComponent(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decodeURIComponent(pair.slice(equals + 1));
    if (key.startsWith("$.")) result.systemProperties[key.slice(2)] = value;
    else result.properties[key] = value;
  }
  return result;
}

/** The reverse of {@link parsePropertyBag}. */
export function formatPropertyBag({ systemProperties, properties }: PropertyBag): string {
  return [
    ...Object.entries(systemProperties).map(([key, value]) => [`$.${key}`, value] as const),
    ...Object.entries(properties),
  ]
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join("&");
}

/** What a topic of a client means. */
export type Topic =
  | ({ readonly kind: "telemetry" } & PropertyBag)
  | { readonly kind: "twin-get"; readonly requestId: string }
  | { readonly kind: "twin-update"; readonly requestId: string }
  | { readonly kind: "method-response"; readonly requestId: string; readonly status: number };

/** `devices/d` or `devices/d/modules/m`: what a client's own topics begin with. */
export function rootOf(identity: Identity): string {
  const { deviceId, moduleId } = identity;
  return moduleId === undefined ? `devices/${deviceId}` : `devices/${deviceId}/modules/${moduleId}`;
}

/** What a client's PUBLISH is about; undefined when it has no business there. */
export function parseTopic(topic: string, identity: Identity): Topic | undefined {
  const telemetry = `${rootOf(identity)}/messages/events`;
  if (topic === telemetry || topic.startsWith(`${telemetry}/`)) {
    try {
      return { kind: "telemetry", ...parsePropertyBag(topic.slice(telemetry.length + 1)) };
    } catch {
      return undefined;
    }
  }
  const twin = /^\$iothub\/twin\/(GET|PATCH\/properties\/reported)\/\?\$rid=([^&]+)/.exec(topic);
  if (twin?.[2] !== undefined) {
    return { kind: twin[1] === "GET" ? "twin-get" : "twin-update", requestId: twin[2] };
  }
  const method = /^\$iothub\/methods\/res\/(-?\d+)\/\?\$rid=([^&]+)/.exec(topic);
  if (method?.[2] !== undefined) {
    return { kind: "method-response", status: Number(method[1]), requestId: method[2] };
  }
  return undefined;
}

/** What a client may subscribe to. */
export type Feature = "commands" | "twin-answers" | "desired" | "methods";

/** What a topic filter asks for; undefined when the hub does not know it. */
export function featureOf(filter: string, identity: Identity): Feature | undefined {
  const { moduleId } = identity;
  const commands =
    moduleId === undefined ? `${rootOf(identity)}/messages/devicebound/#` : `${rootOf(identity)}/#`;
  if (filter === commands) return "commands";
  if (moduleId !== undefined && filter === `${rootOf(identity)}/inputs/#`) return "commands";
  if (filter === "$iothub/twin/res/#") return "twin-answers";
  if (filter === "$iothub/twin/PATCH/properties/desired/#") return "desired";
  if (filter === "$iothub/methods/POST/#") return "methods";
  return undefined;
}
