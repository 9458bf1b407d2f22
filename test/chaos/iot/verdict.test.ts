import { expect, it } from "vitest";
import type { DeviceRecord } from "./record.ts";
import { deviceVerdictOf, isDeviceClean, type DeviceEvidence, type DeviceVerdict } from "./verdict.ts";

const connection = { connection: 1, device: "d1", openedAt: 0, closedAt: 10_000, closedBecause: "client" };
const attempt = { connection: 1, messageId: "m-1", at: 10, outcome: "accepted" };
const accepted = { connection: 1, messageId: "m-1", at: 11 };
const arrived = { messageId: "m-1" };
const record: DeviceRecord = {
  sends: [{ messageId: "m-1", outcome: "resolved" }],
  ...{ commands: [], answersMethods: true, hearsMessages: true, closedInMs: 1, quietAfterMs: 1 },
};

/** A run in which one message was sent, and all went well; and what was different. */
function verdict(
  seen: Partial<Record<keyof DeviceEvidence, readonly object[]>> = {},
  told: Partial<DeviceRecord> = {},
  silent: readonly number[] = [],
): DeviceVerdict {
  const all = {
    ...{ telemetry: [arrived], attempts: [attempt], accepted: [accepted], connections: [connection] },
    ...{ settled: [], delivered: [], faults: [], ...seen },
  };
  const journal = Object.fromEntries(Object.entries(all).map(([name, entries]) => [name, () => entries]));
  return deviceVerdictOf(journal as unknown as DeviceEvidence, { ...record, ...told }, "d1", new Set(silent));
}

it("finds nothing where all went well", () => {
  expect(verdict()).toSatisfy(isDeviceClean);
});

it("finds a message that was acknowledged and is not there", () => {
  expect(verdict({ telemetry: [] }).lost).toHaveLength(1);
});

it("finds a message that was given up, and one that was never answered", () => {
  expect(verdict({}, { sends: [{ messageId: "m-1", outcome: "rejected" }] }).givenUp).toHaveLength(1);
  expect(verdict({}, { sends: [{ messageId: "m-1", outcome: "pending" }] }).stuck).toHaveLength(1);
});

it("finds a copy whose first arrival had been answered in time on a connection that stood", () => {
  const twice = { telemetry: [arrived, arrived], attempts: [attempt, { ...attempt, at: 20 }] };
  expect(verdict(twice).duplicatedUnexplained).toHaveLength(1);
});

it.each([
  ["was never answered", { attempts: [{ ...attempt, outcome: "unanswered" }], accepted: [] }],
  ["was answered late", { accepted: [{ ...accepted, at: 1_000 }] }],
  ["was cut off", { connections: [{ ...connection, closedAt: 20 }] }],
])("explains a copy whose first arrival %s", (_, seen) => {
  const found = verdict({ telemetry: [arrived, arrived], ...seen });
  expect(found).toMatchObject({ duplicatedExplained: 1, duplicatedUnexplained: [] });
});

it("judges the order by the first arrivals", () => {
  const sends = ["m-1", "m-2"].map((messageId) => ({ messageId, outcome: "resolved" as const }));
  const later = { messageId: "m-2" };
  expect(verdict({ telemetry: [later, arrived] }, { sends }).disordered).toHaveLength(1);
  expect(verdict({ telemetry: [arrived, later] }, { sends }).disordered).toEqual([]);
});

it("finds a second connection beside the first, unless the hub could not hear of the first one's end", () => {
  const connections = [connection, { ...connection, connection: 2, openedAt: 9_999 }];
  expect(verdict({ connections }).doubleConnections).toHaveLength(1);
  expect(verdict({ connections }, {}, [1]).doubleConnections).toEqual([]);
  const taken = [connection, { ...connection, connection: 2, openedAt: 9_999, userName: "d1/?taker" }];
  expect(verdict({ connections: taken }).doubleConnections).toEqual([]);
});

it("finds a message from the cloud that is completed and was not handled", () => {
  const settled = [{ messageId: "c-1", outcome: "completed", connection: 1 }];
  expect(verdict({ settled }).deaf).toHaveLength(1);
  expect(verdict({ settled, delivered: [{ messageId: "c-1" }] }, { commands: ["c-1"] }).deaf).toEqual([]);
});

it("finds a device that does not hear any more, and a connection that outlives close()", () => {
  expect(verdict({}, { answersMethods: false, hearsMessages: false }).deaf).toHaveLength(2);
  expect(verdict({ connections: [{ ...connection, closedAt: undefined }] }).unclosed).toHaveLength(1);
  expect(verdict({}, { closedInMs: undefined }).unclosed).toHaveLength(1);
});
