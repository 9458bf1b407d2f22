import type { IotHubFaults } from "../faults.ts";
import type { MqttConnection } from "./connection.ts";

type PushFault = IotHubFaults["desired"] | undefined;

/**
 * Sends something to a device as the script says.
 * @param send - called once, or more often, or never, now or later
 * @param malformed - sends something else instead
 */
export function push(
  connection: MqttConnection,
  fault: PushFault,
  send: () => void,
  malformed: (what: "empty" | "garbage" | "topic") => void,
): void {
  if (fault === undefined) {
    send();
    return;
  }
  switch (fault.kind) {
    case "malformed":
      malformed(fault.what);
      break;
    case "duplicate":
      for (let time = 0; time < fault.times; time += 1) send();
      break;
    case "delay":
      connection.after(fault.ms, send);
      break;
    case "lose-acknowledgement":
      if (fault.stored) send();
      break;
    default:
      if (fault.stored) send();
      // What was queued for the wire must leave before the connection ends.
      setImmediate(() => {
        connection.suffer(fault);
      });
  }
}
