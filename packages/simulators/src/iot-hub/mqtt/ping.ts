import { performStep } from "../step.ts";
import type { MqttConnection } from "./connection.ts";

/** A PINGREQ packet has arrived. MQTT 3.12. */
export function ping(connection: MqttConnection): void {
  performStep(connection.hub, connection.hub.fault("ping", connection.identity.key), {
    act: () => undefined,
    answer: () => {
      connection.send({ cmd: "pingresp" });
    },
    refuse: () => undefined,
    suffer: (fault) => {
      connection.suffer(fault);
    },
  });
}
