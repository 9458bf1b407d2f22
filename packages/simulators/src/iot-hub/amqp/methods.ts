import type { ReceiverLink, SenderLink } from "../../service-bus/amqp-engine.ts";
import type { MethodCall } from "../presence.ts";
import { performStep } from "../step.ts";
import type { AmqpDevice } from "./device.ts";
import { receiveOn } from "./incoming.ts";
import type { HubLink } from "./link.ts";
import { encodeMessage } from "./message.ts";
import { OutgoingLink } from "./outgoing.ts";
import { push } from "./push.ts";

/** A device receives method calls on this link. */
export function attachMethodCalls(link: HubLink, sender: SenderLink): void {
  const { device, connection } = link;
  if (device === undefined) return;
  device.methodLink = new OutgoingLink(link, sender);
  connection.hub.presence.changed(device.identity.key);
}

/** Sends a method call to a device. */
export function sendMethodCall(device: AmqpDevice, call: MethodCall): void {
  const { hub } = device.connection;
  const link = device.links.find(({ kind }) => kind === "method-request");
  if (link === undefined) return;
  const send = (body: string, correlationId: string | undefined = call.requestId): void => {
    const payload = encodeMessage({
      correlationId,
      properties: { "IoThub-methodname": call.name },
      body: Buffer.from(body),
    });
    device.methodLink?.send(payload);
  };
  push(
    link,
    hub.fault("method", device.identity.key),
    () => {
      send(JSON.stringify(call.payload));
    },
    (what) => {
      if (what === "topic") send(JSON.stringify(call.payload), "");
      else send(what === "empty" ? "" : "not JSON");
    },
  );
}

/** A device answers method calls on this link. */
export function attachMethodResponses(link: HubLink, receiver: ReceiverLink): void {
  const { device, connection } = link;
  if (device === undefined) return;
  const { hub } = connection;
  receiveOn(link, receiver, (incoming) => {
    incoming.accept();
    const { correlationId = "", properties, body } = incoming.message;
    let payload: unknown = null;
    try {
      payload = body.length === 0 ? null : JSON.parse(body.toString("utf8"));
    } catch {
      payload = body.toString("utf8");
    }
    const fault = hub.fault("method-response", device.identity.key);
    const passOn = (): void => {
      const status = Number(properties["IoThub-status"]);
      hub.methods.answer(device.identity.key, correlationId, { status, payload });
    };
    performStep(hub, fault, {
      // Nobody answers an answer: late means that the caller hears of it late.
      act: fault?.kind === "delay" ? () => undefined : passOn,
      answer: fault?.kind === "delay" ? passOn : () => undefined,
      refuse: () => undefined,
      suffer: (broken) => {
        connection.suffer(broken, link);
      },
    });
  });
}
