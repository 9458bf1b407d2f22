import type { IPublishPacket } from "mqtt-packet";
import { hubErrors } from "../hub-error.ts";
import { receiveTelemetry } from "../telemetry.ts";
import type { MqttConnection } from "./connection.ts";
import { methodAnswered } from "./methods.ts";
import { parseTopic } from "./topics.ts";
import { getTwin, updateTwin } from "./twin.ts";

/** A PUBLISH packet has arrived. MQTT 3.3. */
export function publish(connection: MqttConnection, packet: IPublishPacket): void {
  const { hub, identity } = connection;
  const topic = parseTopic(packet.topic, identity);
  // The hub closes the connection of a client that publishes with QoS 2 or where it may not.
  if (topic === undefined || packet.qos === 2) {
    connection.close(hubErrors.argument);
    return;
  }
  const body = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
  const { messageId } = packet;
  const acknowledge = (): void => {
    if (packet.qos === 1 && messageId !== undefined) connection.send({ cmd: "puback", messageId });
  };
  switch (topic.kind) {
    case "telemetry":
      receiveTelemetry(
        hub,
        [
          {
            identity,
            connection: connection.id,
            protocol: connection.protocol,
            systemProperties: topic.systemProperties,
            // Nothing is retained: whoever reads the message is told that it was to be.
            properties: packet.retain ? { ...topic.properties, "mqtt-retain": "true" } : topic.properties,
            body,
            duplicate: packet.dup,
          },
        ],
        {
          accept: acknowledge,
          // MQTT 3.1.1 cannot refuse a message: the hub terminates the connection.
          refuse: (error) => {
            connection.close(error);
          },
          leaveUnanswered: () => undefined,
          suffer: (fault) => {
            connection.suffer(fault);
          },
          get isGone() {
            return connection.isGone;
          },
        },
      );
      break;
    case "twin-get":
      acknowledge();
      getTwin(connection, topic.requestId);
      break;
    case "twin-update":
      acknowledge();
      updateTwin(connection, topic.requestId, body.toString("utf8"));
      break;
    case "method-response":
      acknowledge();
      methodAnswered(connection, topic.requestId, topic.status, body.toString("utf8"));
  }
}
