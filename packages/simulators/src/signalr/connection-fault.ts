import type { ConnectionFault } from "./faults.ts";
import type { HubSession } from "./hub-session.ts";
import type { OrderedLane } from "./ordered-lane.ts";

/**
 * Does what a fault says around carrying out a step.
 * @param carryOut - is told whether its answer is to be suppressed
 */
export function suffer(
  fault: ConnectionFault | undefined,
  lane: OrderedLane,
  session: HubSession,
  carryOut: (unanswered: boolean) => void,
): void {
  switch (fault?.kind) {
    case undefined:
      carryOut(false);
      return;
    case "delay":
      lane.runAfter(fault.ms, () => {
        carryOut(false);
      });
      return;
    case "never-answer":
      if (fault.carriedOut) carryOut(true);
      return;
    case "fall-silent":
      session.connection.freeze();
      return;
    case "drop-connection":
      if (fault.carriedOut) carryOut(true);
      session.connection.drop(fault.how);
      return;
    case "close-connection": {
      const { carriedOut, error, allowReconnect } = fault;
      if (carriedOut) carryOut(true);
      session.close({
        ...(error === undefined ? {} : { error }),
        ...(allowReconnect === undefined ? {} : { allowReconnect }),
      });
    }
  }
}
