import type { IConnectPacket } from "mqtt-packet";
import { storeTelemetry } from "../telemetry.ts";
import type { MqttConnection } from "./connection.ts";
import { parseTopic } from "./topics.ts";

/** What a client leaves to be sent when it goes without a DISCONNECT. MQTT 3.1.2.5. */
export type Will = NonNullable<IConnectPacket["will"]>;

/** Sends the will of a client that has gone: as telemetry, marked as a will. A topic for anything else is ignored. */
export function sendWill({ hub, identity, id, protocol }: MqttConnection, will: Will): void {
  const topic = parseTopic(will.topic, identity);
  if (topic?.kind !== "telemetry") return;
  storeTelemetry(hub, {
    identity,
    connection: id,
    protocol,
    systemProperties: topic.systemProperties,
    // https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub: "Using the MQTT protocol directly".
    properties: { ...topic.properties, "iothub-MessageType": "Will" },
    body: Buffer.from(will.payload),
  });
}
