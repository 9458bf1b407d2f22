import type { SettledEntry } from "./journal-entries.ts";
import type { MessageLock } from "./lock.ts";
import { lockTokenText } from "./lock-token.ts";
import type { Release, Settlement } from "./settlement.ts";

/** The journal entry for the end of a lock. */
export function settledEntry(
  at: number,
  entity: string,
  { message, token }: MessageLock,
  settlement: Settlement | Release,
): SettledEntry {
  const { sequenceNumber, messageId, content } = message;
  const { disposition, via } = settlement;
  const [connection, cause] =
    settlement.via === "broker" ? [undefined, undefined] : [settlement.connection, settlement.cause];
  return {
    at,
    entity,
    sequenceNumber,
    messageId,
    lockToken: lockTokenText(token),
    disposition,
    via,
    connection,
    ...(content.sessionId === undefined ? {} : { sessionId: content.sessionId }),
    ...cause,
  };
}
