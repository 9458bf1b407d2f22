import { hubErrors } from "../hub-error.ts";
import { HubFailure } from "../hub-failure.ts";
import type { Identity } from "../identity.ts";
import { receiveTelemetry, type IncomingTelemetry } from "../telemetry.ts";
import { isObject } from "../twin.ts";
import type { CommandDelivery, CommandSettlement } from "../command-queue.ts";
import { requireDevice } from "./device-access.ts";
import type { HubRequest, HubResponse, PathParameters, Route } from "./exchange.ts";
import { NoAnswer } from "./no-answer.ts";

const BATCH = "application/vnd.microsoft.iothub.json";
const APPLICATION = "iothub-app-";

/** System properties as headers, and their short names. */
const systemHeaders: Readonly<Record<string, string>> = {
  "iothub-messageid": "mid",
  "iothub-correlationid": "cid",
  "iothub-userid": "uid",
  "iothub-to": "to",
  "iothub-contenttype": "ct",
  "iothub-contentencoding": "ce",
  "iothub-interface-id": "ifid",
  "dt-subject": "sub",
};

function sort(
  entries: Iterable<readonly [string, string]>,
): Pick<IncomingTelemetry, "properties" | "systemProperties"> {
  const properties: Record<string, string> = {};
  const systemProperties: Record<string, string> = {};
  for (const [name, value] of entries) {
    const short = systemHeaders[name.toLowerCase()];
    if (name.toLowerCase().startsWith(APPLICATION)) properties[name.slice(APPLICATION.length)] = value;
    else if (short !== undefined) systemProperties[short] = value;
  }
  return { properties, systemProperties };
}

function messagesOf(request: HubRequest, identity: Identity): IncomingTelemetry[] {
  const common = { identity, connection: undefined, protocol: "https" as const };
  if (request.headers["content-type"]?.startsWith(BATCH) !== true) {
    const headers = Object.entries(request.headers).map(
      ([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")] as const,
    );
    return [{ ...common, ...sort(headers), body: request.body }];
  }
  let batch: unknown;
  try {
    batch = JSON.parse(request.body.toString("utf8"));
  } catch {
    batch = undefined;
  }
  if (!Array.isArray(batch)) throw new HubFailure(hubErrors.argument, "The batch is not a JSON array.");
  return batch.filter(isObject).map((item): IncomingTelemetry => {
    const properties = isObject(item["properties"]) ? item["properties"] : {};
    const entries = Object.entries(properties).map(([name, value]) => [name, String(value)] as const);
    return { ...common, ...sort(entries), body: Buffer.from(String(item["body"]), "base64") };
  });
}

function send(request: HubRequest, parameters: PathParameters): Promise<HubResponse> {
  const identity = requireDevice(request, parameters);
  return new Promise((resolve, reject) => {
    receiveTelemetry(request.hub, messagesOf(request, identity), {
      accept: () => {
        resolve({ status: 204 });
      },
      refuse: (error) => {
        const failure = new HubFailure(error);
        failure.isJournaled = true;
        reject(failure);
      },
      // What breaks the connection is told right after, and comes first.
      leaveUnanswered: () => {
        setImmediate(() => {
          reject(new NoAnswer());
        });
      },
      suffer: (fault) => {
        reject(new NoAnswer(fault));
      },
      isGone: false,
    });
  });
}

// Header values are of one byte a character; anything else is written as in a URL.
const headerValue = (value: string): string =>
  /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value);

function response({ command, lockToken }: CommandDelivery, device: string): HubResponse {
  const headers: Record<string, string | undefined> = {
    ETag: `"${lockToken}"`,
    "iothub-messageid": command.messageId,
    "iothub-correlationid": command.correlationId,
    "iothub-userid": command.userId,
    "iothub-to": command.to ?? `/devices/${device}/messages/devicebound`,
    "iothub-expiry": new Date(command.expiresAt).toISOString(),
    "iothub-ack": command.ack,
    "iothub-contenttype": command.contentType,
    "iothub-contentencoding": command.contentEncoding,
    "iothub-sequencenumber": String(command.sequenceNumber),
    "iothub-enqueuedtime": new Date(command.enqueuedAt).toISOString(),
    "iothub-deliverycount": String(command.deliveryCount - 1),
  };
  for (const [name, value] of Object.entries(command.properties)) headers[APPLICATION + name] = value;
  const present = Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return {
    status: 200,
    body: command.body,
    headers: Object.fromEntries(present.map(([name, value]) => [name, headerValue(value)])),
  };
}

function receive(request: HubRequest, parameters: PathParameters): HubResponse {
  const { queue, deviceId } = requireDevice(request, parameters);
  const delivery = queue?.take();
  return delivery === undefined ? { status: 204 } : response(delivery, deviceId);
}

const settle =
  (how: (request: HubRequest) => CommandSettlement): Route["handle"] =>
  (request, parameters) => {
    const { queue } = requireDevice(request, parameters);
    queue?.settle(parameters["lock"] ?? "", how(request));
    return { status: 204 };
  };

const inbox = "/devices/:device/messages/devicebound";

/** Messages of devices, both ways. https://learn.microsoft.com/rest/api/iothub/device */
export const deviceMessageRoutes: readonly Route[] = [
  { method: "POST", path: "/devices/:device/messages/events", step: "send", handle: send },
  { method: "POST", path: "/devices/:device/modules/:module/messages/events", step: "send", handle: send },
  { method: "GET", path: inbox, step: "deliver", handle: receive },
  {
    method: "DELETE",
    path: `${inbox}/:lock`,
    step: "settle",
    handle: settle(({ query }) => (query.has("reject") ? "rejected" : "completed")),
  },
  { method: "POST", path: `${inbox}/:lock/abandon`, step: "settle", handle: settle(() => "abandoned") },
];
