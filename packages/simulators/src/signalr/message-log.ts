import type { Connection } from "./connection.ts";
import { nameOf, type HubMessage } from "./protocol/messages.ts";

/** Writes a hub message into the journal, unless that is turned off. */
export function journalMessage(
  connection: Connection,
  direction: "received" | "sent",
  message: HubMessage,
  repeated: boolean,
): void {
  const { simulation, hub } = connection.beginning;
  if (!simulation.settings.journalMessages) return;
  simulation.ledgers.messages.add({
    at: simulation.clock.now(),
    hub,
    connectionId: connection.id,
    direction,
    type: nameOf(message),
    target: "target" in message ? message.target : undefined,
    invocationId: "invocationId" in message ? message.invocationId : undefined,
    message,
    repeated,
  });
}
