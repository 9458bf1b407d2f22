import type { HubAttemptEntry, HubConnectionEntry, IotHubJournal } from "@holdfast/simulators/iot-hub";
import { takerName } from "./clients.ts";
import type { DeviceRecord } from "./record.ts";

/** What became of a device's messages; every list holds what went wrong, in words, and is empty when it did not. */
export interface DeviceVerdict {
  /** The application gave it away and was told that it was sent, and the hub has not got it (I1). */
  readonly lost: readonly string[];
  /** The application was told that it was not sent: with an outbox that must not be. */
  readonly givenUp: readonly string[];
  /** In the hub twice because of an acknowledgement that was late, lost or cut off (I3). */
  readonly duplicatedExplained: number;
  readonly duplicatedUnexplained: readonly string[];
  /** Arrived for the first time after one that was sent later. */
  readonly disordered: readonly string[];
  /** Not answered when the run ended (I10). */
  readonly stuck: readonly string[];
  /** A connection that was opened while another of the same client stood (I6). */
  readonly doubleConnections: readonly string[];
  /** Messages from the cloud and methods that did not get through. */
  readonly deaf: readonly string[];
  /** What `close()` left behind (I11). */
  readonly unclosed: readonly string[];
}

/** Whether nothing went wrong. */
export function isDeviceClean(verdict: DeviceVerdict): boolean {
  return deviceTroubles(verdict).length === 0;
}

/** All that went wrong, in words. */
export function deviceTroubles(verdict: DeviceVerdict): string[] {
  const { duplicatedExplained: _harmless, ...troubles } = verdict;
  return Object.values(troubles).flat();
}

/** The part of the hub's journal that a verdict rests on. */
export type DeviceEvidence = Pick<
  IotHubJournal,
  "telemetry" | "attempts" | "accepted" | "connections" | "settled" | "delivered" | "faults"
>;

/** An acknowledgement that is written so shortly before its connection ends may not have arrived, in milliseconds. */
const inFlightMs = 500;
/** What a client that waits two seconds may have given up, in milliseconds. */
const lateMs = 400;

/** Holds what the application was told against what the hub saw. @param silent - numbers of the connections that were half-opened */
export function deviceVerdictOf(
  journal: DeviceEvidence,
  record: DeviceRecord,
  deviceId: string,
  silent: ReadonlySet<number>,
): DeviceVerdict {
  const arrived = journal.telemetry(deviceId).map(({ messageId }) => messageId ?? "");
  const copies = new Map<string, number>();
  for (const id of arrived) copies.set(id, (copies.get(id) ?? 0) + 1);
  const connections = journal.connections(deviceId);
  const unheard = unheardAnswers(journal, deviceId, connections);
  const told = (outcome: string) => record.sends.filter((send) => send.outcome === outcome);
  const duplicatedUnexplained: string[] = [];
  let duplicatedExplained = 0;
  for (const [messageId, count] of copies) {
    if (count < 2) continue;
    // Each copy but the last one has an answer that the device may not have heard.
    if (count - 1 <= (unheard.get(messageId) ?? 0)) duplicatedExplained += count - 1;
    else duplicatedUnexplained.push(`${messageId} arrived ${String(count)} times`);
  }
  return {
    lost: told("resolved")
      .filter(({ messageId }) => !copies.has(messageId))
      .map(({ messageId }) => `${messageId} was acknowledged and is not in the hub`),
    givenUp: told("rejected").map(({ messageId, error }) => `${messageId} was given up: ${error ?? ""}`),
    duplicatedExplained,
    duplicatedUnexplained,
    disordered: disordered([...copies.keys()], record),
    stuck: told("pending").map(({ messageId }) => `${messageId} was not answered`),
    doubleConnections: doubleConnections(connections, silent),
    deaf: deaf(journal, record, deviceId, new Set(connections.filter(isTaker).map((one) => one.connection))),
    unclosed: unclosed(connections, record),
  };
}

/** How many of a message's arrivals had no answer, a late one, or one that its connection's end may have cut off. */
function unheardAnswers(
  journal: DeviceEvidence,
  deviceId: string,
  connections: readonly HubConnectionEntry[],
): Map<string, number> {
  const endOf = new Map(connections.map(({ connection, closedAt }) => [connection, closedAt ?? Infinity]));
  const answers = new Map<string, number>();
  const keyOf = (entry: {
    readonly connection: number | undefined;
    readonly messageId: string | undefined;
  }) => `${String(entry.connection)}/${String(entry.messageId)}`;
  for (const answer of journal.accepted(deviceId)) answers.set(keyOf(answer), answer.at);
  const isUnheard = (attempt: HubAttemptEntry): boolean => {
    const answeredAt = attempt.outcome === "accepted" ? answers.get(keyOf(attempt)) : undefined;
    if (answeredAt === undefined || answeredAt - attempt.at > lateMs) return true;
    return (endOf.get(attempt.connection ?? 0) ?? Infinity) - answeredAt < inFlightMs;
  };
  const unheard = new Map<string, number>();
  for (const attempt of journal.attempts(deviceId).filter(isUnheard)) {
    const id = attempt.messageId ?? "";
    unheard.set(id, (unheard.get(id) ?? 0) + 1);
  }
  return unheard;
}

/** @param firsts - ids in the order of their first arrival */
function disordered(firsts: readonly string[], { sends }: DeviceRecord): string[] {
  const rank = new Map(sends.map(({ messageId }, index) => [messageId, index]));
  let highest = "";
  return firsts.flatMap((messageId) => {
    if ((rank.get(messageId) ?? 0) < (rank.get(highest) ?? -1))
      return [`${messageId} arrived after ${highest}`];
    highest = messageId;
    return [];
  });
}

const isTaker = ({ userName = "" }: HubConnectionEntry): boolean => userName.includes(takerName);

function doubleConnections(
  connections: readonly HubConnectionEntry[],
  silent: ReadonlySet<number>,
): string[] {
  const own = connections.filter((one) => one.openedAt !== undefined && !isTaker(one));
  return own.flatMap(({ connection, openedAt = 0 }) => {
    const standing = own.find(
      (other) =>
        other.connection < connection &&
        // The hub does not hear of the end of a connection that fell silent.
        !silent.has(other.connection) &&
        // It closes the former one in the turn in which it lets in the next.
        (other.closedAt === undefined || other.closedAt > openedAt),
    );
    return standing === undefined
      ? []
      : [`connection ${String(connection)} was opened beside ${String(standing.connection)}`];
  });
}

/** @param takers - connections of the other user of the identity, who inherits the session and what is delivered in it */
function deaf(
  journal: DeviceEvidence,
  record: DeviceRecord,
  deviceId: string,
  takers: ReadonlySet<number | undefined>,
): string[] {
  const given = new Map<string, number>();
  for (const id of record.commands) given.set(id, (given.get(id) ?? 0) + 1);
  const completed = journal
    .settled(deviceId)
    .filter(({ outcome, connection }) => outcome === "completed" && !takers.has(connection));
  const twice = journal.faults().filter(({ kind }) => kind === "duplicate").length;
  const deliveries = new Map<string, number>();
  for (const { messageId } of journal.delivered(deviceId))
    deliveries.set(messageId, (deliveries.get(messageId) ?? 0) + 1);
  return [
    ...completed
      .filter(({ messageId }) => !given.has(messageId))
      .map(({ messageId }) => `${messageId} from the cloud is completed and no handler saw it`),
    ...[...given]
      .filter(([id, count]) => count > (deliveries.get(id) ?? 0) + twice)
      .map(([id, count]) => `${id} from the cloud was handled ${String(count)} times without a reason`),
    ...(record.answersMethods ? [] : ["no method was answered when all was over"]),
    ...(record.hearsMessages ? [] : ["no message from the cloud was heard when all was over"]),
  ];
}

function unclosed(connections: readonly HubConnectionEntry[], { closedInMs }: DeviceRecord): string[] {
  const open = connections.filter((one) => one.openedAt !== undefined && one.closedAt === undefined);
  return [
    ...(closedInMs === undefined ? ["close() did not resolve"] : []),
    ...open.map(({ connection }) => `connection ${String(connection)} stands after close()`),
  ];
}
