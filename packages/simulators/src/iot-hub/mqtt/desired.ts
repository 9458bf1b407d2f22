import { journalTwin } from "../twin-operations.ts";
import type { JsonObject } from "../twin.ts";
import type { MqttConnection } from "./connection.ts";
import { push } from "./push.ts";

/** Tells a device about a change of its desired properties. */
export function sendDesired(connection: MqttConnection, patch: JsonObject): void {
  const { hub, identity, id } = connection;
  const version = Number(patch["$version"]);
  const send = (payload: string, query = `?$version=${String(version)}`): void => {
    journalTwin(hub, identity, "desired-pushed", { version, connection: id, body: patch });
    connection.send({
      cmd: "publish",
      qos: 0,
      dup: false,
      retain: false,
      topic: `$iothub/twin/PATCH/properties/desired/${query}`,
      payload,
    });
  };
  push(
    connection,
    hub.fault("desired", identity.key),
    () => {
      send(JSON.stringify(patch));
    },
    (what) => {
      if (what === "topic") send(JSON.stringify(patch), "");
      else send(what === "empty" ? "" : "not JSON");
    },
  );
}
