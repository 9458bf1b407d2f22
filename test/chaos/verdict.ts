import type { AttemptEntry, Journal, SettledEntry } from "@holdfast/simulators/service-bus";
import type { ClientRecord, HandlerRecord } from "./record.ts";
import { disorderOf } from "./session-order.ts";

/** What became of a run's messages; every list holds what went wrong, in words, and is empty when it did not. */
export interface Verdict {
  /** Told that it was sent, and it was not stored; or done away with although no handler had done its work (I1). */
  readonly lost: readonly string[];
  /** Told that it was refused, and it was stored all the same (I2). */
  readonly unexpected: readonly string[];
  /** Stored or handled twice for a reason that the journal shows (I3). */
  readonly duplicatedExplained: number;
  readonly duplicatedUnexplained: readonly string[];
  /** Sent and not settled, or never answered, when the run ended (I10). */
  readonly stuck: readonly string[];
  /** Told that a settlement was carried out, and it was not (I5). */
  readonly falseSettlements: readonly string[];
  /** Tried again before the time that the service had asked for (I8). */
  readonly earlyRetries: readonly string[];
  /** What `close()` left behind: handlers at work (I11), connections (I9). */
  readonly unclosed: readonly string[];
  /** Out of order in a session, or two of one session in hand at once (I4). */
  readonly disordered: readonly string[];
  /** Connections that held more tokens than the service allows (I7). */
  readonly overfull: readonly string[];
}

/** Whether nothing went wrong. */
export function isClean(verdict: Verdict): boolean {
  const { duplicatedExplained: _harmless, ...troubles } = verdict;
  return Object.values(troubles).every((found: readonly string[]) => found.length === 0);
}

/** What was settled when, by lock token. */
type Settlements = ReadonlyMap<string, SettledEntry>;

/** The part of the service's journal that a verdict rests on. */
export type Evidence = Pick<Journal, "stored" | "attempts" | "settled" | "refusals" | "tokens">;

/** What a verdict has to know about the run. */
export interface Circumstances {
  readonly entity: string;
  readonly duplicateDetection: boolean;
  /** What a throttled client was asked to wait, in milliseconds. */
  readonly hintMs: number;
  /** How the ids of messages begin that need not be settled: the client was closed over them. */
  readonly lastWords: string;
}

/** Holds what the application was told against what the service saw. */
export function verdictOf(
  journal: Evidence,
  record: ClientRecord,
  { entity, duplicateDetection, hintMs, lastWords }: Circumstances,
): Verdict {
  const stored = countBy(journal.stored(entity).map(({ messageId }) => messageId));
  const attempts = journal.attempts(entity);
  const tries = countBy(attempts.flatMap(({ messageIds }) => messageIds.map(String)));
  const settledBySequence = groupBy(journal.settled(entity), ({ sequenceNumber }) => sequenceNumber);
  const settlements: Settlements = new Map(
    journal.settled(entity).map((entry) => [entry.lockToken.toLowerCase(), entry]),
  );
  const runs = groupBy(record.handlers, ({ sequenceNumber }) => sequenceNumber);
  const lost: string[] = [];
  const unexpected: string[] = [];
  const stuck: string[] = [];
  const duplicatedUnexplained: string[] = [];
  let duplicatedExplained = 0;

  for (const { messageId, outcome, error } of record.sends) {
    const copies = stored.get(messageId) ?? 0;
    if (outcome === "resolved" && copies === 0) lost.push(`${messageId} was acknowledged and is not stored`);
    if (outcome === "rejected" && copies > 0) {
      unexpected.push(`${messageId} was reported as refused and is stored (${error ?? "no error"})`);
    }
    if (outcome === "pending") stuck.push(`${messageId} was not answered`);
    if (copies < 2) continue;
    // Without duplicate detection a resend after a lost acknowledgement is stored again, once a try at most.
    if (!duplicateDetection && copies <= (tries.get(messageId) ?? 0)) duplicatedExplained += copies - 1;
    else duplicatedUnexplained.push(`${messageId} is stored ${String(copies)} times`);
  }

  for (const [sequenceNumber, handlers] of runs) {
    const returned = (settledBySequence.get(sequenceNumber) ?? []).filter(({ disposition }) =>
      ["abandoned", "released", "lock-expired"].includes(disposition),
    ).length;
    const extra = handlers.length - 1;
    if (extra <= returned) duplicatedExplained += extra;
    else {
      duplicatedUnexplained.push(
        `message ${String(sequenceNumber)} was handled ${String(handlers.length)} times and given back ${String(returned)} times`,
      );
    }
  }

  for (const { sequenceNumber, messageId, lockToken, disposition } of journal.settled(entity)) {
    if (disposition !== "completed" && disposition !== "dead-lettered") continue;
    const wanted = disposition === "completed" ? "complete" : "dead-letter";
    const worked = (runs.get(sequenceNumber) ?? []).some(({ intent }) => intent === wanted);
    if (!worked) lost.push(`${messageId} is ${disposition} and no handler wanted that (${lockToken})`);
  }
  const done = new Set(
    journal
      .settled(entity)
      .filter(({ disposition }) => disposition === "completed" || disposition === "dead-lettered")
      .map(({ sequenceNumber }) => sequenceNumber),
  );
  for (const { sequenceNumber, messageId } of journal.stored(entity)) {
    if (!done.has(sequenceNumber) && !messageId.startsWith(lastWords))
      stuck.push(`${messageId} is stored and was never settled`);
  }

  return {
    lost,
    unexpected,
    duplicatedExplained,
    duplicatedUnexplained,
    stuck,
    falseSettlements: falseSettlements(record.handlers, settlements),
    earlyRetries: earlyRetries(journal, attempts, entity, hintMs),
    unclosed: unclosed(record),
    overfull: overfull(journal),
    disordered: disorderOf(record.handlers, sessionsOf(journal, entity)),
  };
}

function falseSettlements(handlers: readonly HandlerRecord[], settlements: Settlements): string[] {
  const dispositions = { complete: "completed", abandon: "abandoned", "dead-letter": "dead-lettered" };
  return handlers.flatMap(({ messageId, lockToken, intent, settlement }) => {
    if (settlement !== "resolved" || intent === "throw") return [];
    const actual = settlements.get(lockToken.toLowerCase())?.disposition;
    return actual === dispositions[intent]
      ? []
      : [`${messageId}: ${intent} was confirmed and the service has ${actual ?? "nothing"}`];
  });
}

function earlyRetries(
  journal: Evidence,
  attempts: readonly AttemptEntry[],
  entity: string,
  hintMs: number,
): string[] {
  return journal.refusals(entity).flatMap((refusal) => {
    if (refusal.step !== "send" || refusal.condition !== "com.microsoft:server-busy") return [];
    const asked = new Set(refusal.messageIds);
    const next = attempts.find(
      ({ at, messageIds }) => at > refusal.at && messageIds.some((id) => asked.has(id)),
    );
    if (next === undefined || next.at - refusal.at >= hintMs) return [];
    return [`sent again ${String(Math.round(next.at - refusal.at))} ms after being told to wait`];
  });
}

function sessionsOf(journal: Evidence, entity: string): ReadonlyMap<string, readonly number[]> {
  const groups = groupBy(journal.stored(entity), ({ sessionId }) => sessionId ?? "");
  return new Map(
    [...groups].map(([id, entries]) => [id, entries.map(({ sequenceNumber }) => sequenceNumber)]),
  );
}

/** The service's limit for one connection, in distinct audiences (SB-17). */
const mostTokens = 1_000;

function overfull(journal: Evidence): string[] {
  const accepted = journal.tokens().filter(({ status }) => status === 202);
  return [...groupBy(accepted, ({ connection }) => connection)].flatMap(([connection, tokens]) => {
    const audiences = new Set(tokens.map(({ audience }) => audience)).size;
    return audiences < mostTokens
      ? []
      : [`connection ${String(connection)} held ${String(audiences)} tokens`];
  });
}

function unclosed({ closedInMs, runningAfterClose, connectionsLeft }: ClientRecord): string[] {
  return [
    ...(closedInMs === undefined ? ["close() did not resolve"] : []),
    ...(connectionsLeft > 0 ? [`${String(connectionsLeft)} connections stand after close()`] : []),
    ...(runningAfterClose > 0 ? [`${String(runningAfterClose)} handlers ran on after close()`] : []),
  ];
}

function groupBy<T, K>(values: readonly T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

function countBy(values: readonly string[]): Map<string, number> {
  return new Map([...groupBy(values, String)].map(([value, group]) => [value, group.length]));
}
