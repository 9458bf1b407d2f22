import type { IotHubFaults } from "../faults.ts";
import type { HubLink } from "./link.ts";

/** Sends something to a device as the script says; see the MQTT side's function of the same name. */
export function push(
  link: HubLink,
  fault: IotHubFaults["desired"] | undefined,
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
      link.connection.after(fault.ms, () => {
        if (!link.hasEnded) send();
      });
      break;
    case "lose-acknowledgement":
      if (fault.stored) send();
      break;
    default:
      if (fault.stored) send();
      // What was queued for the wire must leave before the link or the connection does.
      setImmediate(() => {
        link.connection.suffer(fault, link);
      });
  }
}
