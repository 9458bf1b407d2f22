import type { MethodCall } from "../presence.ts";
import { performStep } from "../step.ts";
import type { MqttConnection } from "./connection.ts";
import { push } from "./push.ts";

/** Sends a method call to a device. */
export function sendMethodCall(connection: MqttConnection, call: MethodCall): void {
  const { hub, identity } = connection;
  const send = (payload: string, query = `?$rid=${call.requestId}`): void => {
    connection.send({
      cmd: "publish",
      qos: 0,
      dup: false,
      retain: false,
      topic: `$iothub/methods/POST/${call.name}/${query}`,
      payload,
    });
  };
  push(
    connection,
    hub.fault("method", identity.key),
    () => {
      send(JSON.stringify(call.payload));
    },
    (what) => {
      if (what === "topic") send(JSON.stringify(call.payload), "");
      else send(what === "empty" ? "" : "not JSON");
    },
  );
}

/** A device has answered a method call. */
export function methodAnswered(
  connection: MqttConnection,
  requestId: string,
  status: number,
  body: string,
): void {
  const { hub, identity } = connection;
  let payload: unknown = null;
  try {
    payload = body === "" ? null : JSON.parse(body);
  } catch {
    payload = body;
  }
  const fault = hub.fault("method-response", identity.key);
  const passOn = (): void => {
    hub.methods.answer(identity.key, requestId, { status, payload });
  };
  performStep(hub, fault, {
    // Nobody answers an answer: late means that the caller hears of it late.
    act: fault?.kind === "delay" ? () => undefined : passOn,
    answer: fault?.kind === "delay" ? passOn : () => undefined,
    refuse: () => undefined,
    suffer: (broken) => {
      connection.suffer(broken);
    },
  });
}
