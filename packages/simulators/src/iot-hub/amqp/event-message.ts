import { codec } from "../../service-bus/amqp-types.ts";
import type { HubEvent } from "../event-log.ts";
import type { Hub } from "../hub.ts";
import { encodeMessage } from "./message.ts";

const authMethod = (type: string): string =>
  JSON.stringify({ scope: "device", type, issuer: "iothub", acceptingIpFilterRule: null });

/** An event as a consumer gets it. https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct */
export function encodeEvent(hub: Hub, { sequenceNumber, entry }: HubEvent): Buffer {
  const { deviceId, moduleId, systemProperties: system, enqueuedAt } = entry;
  const identity = hub.identities.get(entry.device);
  const root = moduleId === undefined ? `/devices/${deviceId}` : `/devices/${deviceId}/modules/${moduleId}`;
  const optional = {
    "iothub-connection-module-id": moduleId,
    "iothub-connection-auth-generation-id": identity?.generationId,
    "iothub-interface-id": system["ifid"],
    "iothub-creation-time-utc": system["ctime"],
    "dt-subject": system["sub"],
    "dt-dataschema": identity?.modelId === "" ? undefined : identity?.modelId,
    outputName: entry.outputName,
  };
  return encodeMessage({
    messageId: entry.messageId,
    correlationId: entry.correlationId,
    userId: system["uid"],
    to: system["to"] ?? `${root}/messages/events`,
    contentType: entry.contentType,
    contentEncoding: entry.contentEncoding,
    annotations: {
      "x-opt-sequence-number": codec.wrap_long(sequenceNumber),
      "x-opt-offset": codec.wrap_string(String(sequenceNumber)),
      "x-opt-enqueued-time": codec.wrap_timestamp(enqueuedAt),
      "iothub-enqueuedtime": codec.wrap_timestamp(enqueuedAt),
      "iothub-connection-device-id": deviceId,
      "iothub-connection-auth-method": authMethod(
        identity?.authentication.type === "selfSigned" ? "x509" : "sas",
      ),
      "iothub-message-source": "Telemetry",
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    },
    properties: entry.properties,
    body: entry.body,
  });
}
