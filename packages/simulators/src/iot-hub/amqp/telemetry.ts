import type { ReceiverLink } from "../../service-bus/amqp-engine.ts";
import { receiveTelemetry } from "../telemetry.ts";
import { receiveOn } from "./incoming.ts";
import type { HubLink } from "./link.ts";
import type { AmqpMessage } from "./message.ts";

/** The system properties of a message, by the short names that MQTT gives them. */
function systemPropertiesOf(message: AmqpMessage): Record<string, string> {
  const { annotations } = message;
  const text = (name: string): string | undefined =>
    typeof annotations[name] === "string" ? annotations[name] : undefined;
  const all = {
    mid: message.messageId,
    cid: message.correlationId,
    uid: message.userId,
    to: message.to,
    ct: message.contentType,
    ce: message.contentEncoding,
    ifid: text("iothub-interface-id"),
    on: text("x-opt-output-name"),
    sub: text("dt-subject"),
  };
  return Object.fromEntries(
    Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** A device sends device-to-cloud messages on this link. */
export function attachTelemetry(link: HubLink, receiver: ReceiverLink): void {
  const { connection, device } = link;
  if (device === undefined) return;
  receiveOn(link, receiver, (incoming) => {
    const { message } = incoming;
    receiveTelemetry(
      connection.hub,
      [
        {
          identity: device.identity,
          connection: connection.id,
          protocol: connection.protocol,
          systemProperties: systemPropertiesOf(message),
          properties: message.properties,
          body: message.body,
        },
      ],
      incoming,
    );
  });
}
