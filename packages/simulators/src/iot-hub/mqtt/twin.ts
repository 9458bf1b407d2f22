import type { IotHubFaults } from "../faults.ts";
import type { HubError } from "../hub-error.ts";
import type { Identity } from "../identity.ts";
import { performStep } from "../step.ts";
import { journalTwin, readTwin, twinErrorBody, updateReported } from "../twin-operations.ts";
import type { MqttConnection } from "./connection.ts";

type TwinFault = IotHubFaults["twin-get"] | undefined;

/** What goes into a twin answer. */
interface TwinAnswer {
  readonly status: number;
  readonly version?: number;
  readonly body: string;
}

function answer(connection: MqttConnection, requestId: string, { status, version, body }: TwinAnswer): void {
  if (!connection.isSubscribed("twin-answers")) return;
  const suffix = version === undefined ? "" : `&$version=${String(version)}`;
  connection.send({
    cmd: "publish",
    qos: 0,
    dup: false,
    retain: false,
    topic: `$iothub/twin/res/${String(status)}/?$rid=${requestId}${suffix}`,
    payload: body,
  });
}

function perform(
  connection: MqttConnection,
  step: "twin-get" | "twin-update",
  requestId: string,
  sent: unknown,
  act: (identity: Identity) => TwinAnswer,
): void {
  const { hub, identity, id } = connection;
  const operation = step === "twin-get" ? "get" : "update-reported";
  const journal = (status?: number, version?: number): void => {
    journalTwin(hub, identity, operation, { status, version, connection: id, body: sent });
  };
  const fault: TwinFault = hub.fault(step, identity.key);
  if (fault?.kind === "malformed") {
    const body = fault.what === "garbage" ? "<html>502 Bad Gateway</html>" : "";
    journal(fault.status);
    answer(connection, fault.what === "topic" ? "" : requestId, { status: fault.status, body });
    return;
  }
  performStep(hub, fault, {
    act: () => act(identity),
    answer: (result) => {
      journal(result.status, result.version);
      answer(connection, requestId, result);
    },
    refuse: (error: HubError) => {
      journal(error.status);
      hub.refused(step, error, { device: identity.key, connection: id, protocol: connection.protocol });
      const body = twinErrorBody(hub, error.code, error.status, error.message);
      answer(connection, requestId, { status: error.status, body: JSON.stringify(body) });
    },
    leaveUnanswered: () => {
      journal();
    },
    suffer: (broken) => {
      connection.suffer(broken);
    },
  });
}

/** A device reads its twin. */
export function getTwin(connection: MqttConnection, requestId: string): void {
  perform(connection, "twin-get", requestId, undefined, (identity) => ({
    status: 200,
    body: JSON.stringify(readTwin(connection.hub, identity)),
  }));
}

/** A device updates its reported properties. */
export function updateTwin(connection: MqttConnection, requestId: string, body: string): void {
  perform(connection, "twin-update", requestId, body, (identity) => ({
    status: 204,
    version: updateReported(connection.hub, identity, body),
    body: "",
  }));
}
