import type { HandlerRecord } from "./record.ts";

/**
 * What went wrong in the order of sessions (I4): two handlers of one at a time, or a message begun before the one in front of it
 * had been handled. A message that comes again because its session was lost is no disorder.
 *
 * @param stored - sequence numbers of each session, as the service stored them.
 */
export function disorderOf(
  handlers: readonly HandlerRecord[],
  stored: ReadonlyMap<string, readonly number[]>,
): string[] {
  const bySession = new Map<string, HandlerRecord[]>();
  for (const record of handlers) {
    if (record.sessionId === undefined) continue;
    const records = bySession.get(record.sessionId) ?? [];
    bySession.set(record.sessionId, [...records, record]);
  }
  return [...bySession].flatMap(([session, records]) => [
    ...overlaps(session, records),
    ...overtakings(session, records, stored.get(session) ?? []),
  ]);
}

function overlaps(session: string, records: readonly HandlerRecord[]): string[] {
  const inTime = records.toSorted((one, other) => one.startedAt - other.startedAt);
  return inTime.flatMap((record, index) => {
    const before = inTime[index - 1];
    if (before === undefined || (before.stoppedAt ?? Infinity) <= record.startedAt) return [];
    return [`${record.messageId} and ${before.messageId} of ${session} were in hand at once`];
  });
}

function overtakings(
  session: string,
  records: readonly HandlerRecord[],
  stored: readonly number[],
): string[] {
  // When each had been handled for the first time.
  const doneAt = new Map<number, number>();
  for (const { sequenceNumber, endedAt, intent } of records) {
    if (endedAt === undefined || intent === "throw") continue;
    doneAt.set(sequenceNumber, Math.min(endedAt, doneAt.get(sequenceNumber) ?? Infinity));
  }
  return records.flatMap(({ messageId, sequenceNumber, startedAt }) => {
    const overtaken = stored.find(
      (other) => other < sequenceNumber && !((doneAt.get(other) ?? Infinity) <= startedAt),
    );
    return overtaken === undefined
      ? []
      : [`${messageId} of ${session} was begun before message ${String(overtaken)} in front of it was done`];
  });
}
