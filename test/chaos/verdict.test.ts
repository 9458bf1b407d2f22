import { describe, expect, it } from "vitest";
import type {
  AttemptEntry,
  RefusalEntry,
  SettledEntry,
  StoredEntry,
  TokenEntry,
} from "@holdfast/simulators/service-bus";
import type { ClientRecord, HandlerRecord } from "./record.ts";
import { isClean, verdictOf, type Evidence, type Verdict } from "./verdict.ts";

const stored = { messageId: "m-1", sequenceNumber: 1 } as StoredEntry;
const completed = {
  messageId: "m-1",
  sequenceNumber: 1,
  lockToken: "lock-1",
  disposition: "completed",
} as SettledEntry;
const handled: HandlerRecord = {
  messageId: "m-1",
  sequenceNumber: 1,
  lockToken: "lock-1",
  intent: "complete",
  startedAt: 0,
  settlement: "resolved",
};
const attempt = (at: number): AttemptEntry => ({ at, messageIds: ["m-1"] }) as unknown as AttemptEntry;
const busy = {
  at: 0,
  step: "send",
  condition: "com.microsoft:server-busy",
  messageIds: ["m-1"],
} as unknown as RefusalEntry;

interface Story {
  outcome?: "resolved" | "rejected" | "unknown" | "pending";
  stored?: StoredEntry[];
  settled?: SettledEntry[];
  handlers?: HandlerRecord[];
  attempts?: AttemptEntry[];
  refusals?: RefusalEntry[];
  tokens?: TokenEntry[];
  record?: Partial<ClientRecord>;
  duplicateDetection?: boolean;
}

function verdict(story: Story = {}): Verdict {
  const evidence: Evidence = {
    stored: () => story.stored ?? [stored],
    settled: () => story.settled ?? [completed],
    attempts: () => story.attempts ?? [attempt(0)],
    refusals: () => story.refusals ?? [],
    tokens: () => story.tokens ?? [],
  };
  const record: ClientRecord = {
    sends: [{ messageId: "m-1", outcome: story.outcome ?? "resolved" }],
    handlers: story.handlers ?? [handled],
    runningAfterClose: 0,
    closedInMs: 1,
    connectionsLeft: 0,
    quietAfterMs: 1,
    ...story.record,
  };
  const { duplicateDetection = false } = story;
  return verdictOf(evidence, record, {
    entity: "orders",
    duplicateDetection,
    hintMs: 1_000,
    lastWords: "last-",
  });
}

describe("the verdict on a run", () => {
  it("is clean when one message was sent, stored, handled and completed", () => {
    expect(isClean(verdict())).toBe(true);
  });

  it("finds a message that was acknowledged and not stored", () => {
    expect(verdict({ stored: [], settled: [], handlers: [] }).lost).toHaveLength(1);
  });

  it("finds a message that was completed although no handler wanted it", () => {
    expect(verdict({ handlers: [{ ...handled, intent: "abandon" }] }).lost).toHaveLength(1);
    expect(verdict({ handlers: [] }).lost).toHaveLength(1);
  });

  it("finds a message that was reported as refused and is stored, and lets an unknown one pass", () => {
    expect(verdict({ outcome: "rejected" }).unexpected).toHaveLength(1);
    expect(isClean(verdict({ outcome: "unknown" }))).toBe(true);
  });

  it("finds what was never answered and what was never settled", () => {
    expect(verdict({ outcome: "pending" }).stuck).toHaveLength(1);
    expect(verdict({ settled: [], handlers: [] }).stuck).toHaveLength(1);
  });

  it("explains a second copy by a second try, and not on an entity that detects duplicates", () => {
    const second = { ...stored, sequenceNumber: 2 };
    const story: Story = {
      stored: [stored, second],
      settled: [completed, { ...completed, sequenceNumber: 2, lockToken: "lock-2" }],
      handlers: [handled, { ...handled, sequenceNumber: 2, lockToken: "lock-2" }],
      attempts: [attempt(0), attempt(1)],
    };
    expect(verdict(story)).toMatchObject({ duplicatedExplained: 1, duplicatedUnexplained: [] });
    expect(verdict({ ...story, attempts: [attempt(0)] }).duplicatedUnexplained).toHaveLength(1);
    expect(verdict({ ...story, duplicateDetection: true }).duplicatedUnexplained).toHaveLength(1);
  });

  it("explains a second run of the handler by a message given back, and by nothing else", () => {
    const handlers = [{ ...handled, settlement: undefined as never }, handled];
    expect(verdict({ handlers }).duplicatedUnexplained).toHaveLength(1);
    const settled: SettledEntry[] = [
      { ...completed, lockToken: "lock-0", disposition: "lock-expired" },
      completed,
    ];
    expect(verdict({ handlers, settled })).toMatchObject({
      duplicatedExplained: 1,
      duplicatedUnexplained: [],
    });
  });

  it("finds a settlement that was confirmed and did not happen, or happened otherwise", () => {
    const abandoned: SettledEntry = { ...completed, disposition: "abandoned" };
    expect(verdict({ settled: [abandoned] }).falseSettlements).toHaveLength(1);
    expect(verdict({ settled: [] }).falseSettlements).toHaveLength(1);
  });

  it("finds a try before the time that the service had asked for", () => {
    expect(verdict({ refusals: [busy], attempts: [attempt(-1), attempt(999)] }).earlyRetries).toHaveLength(1);
    expect(verdict({ refusals: [busy], attempts: [attempt(-1), attempt(1_000)] }).earlyRetries).toEqual([]);
  });

  it("finds a close() that leaves handlers at work or does not come back", () => {
    expect(verdict({ record: { runningAfterClose: 1 } }).unclosed).toHaveLength(1);
    expect(verdict({ record: { closedInMs: undefined } }).unclosed).toHaveLength(1);
    expect(verdict({ record: { connectionsLeft: 1 } }).unclosed).toHaveLength(1);
  });

  it("finds a connection that holds as many tokens as the service allows", () => {
    const token = (audience: number): TokenEntry =>
      ({ connection: 1, status: 202, audience: `q-${String(audience)}` }) as TokenEntry;
    const tokens = (audiences: number): TokenEntry[] =>
      Array.from({ length: 2_000 }, (_, index) => token(index % audiences));
    expect(verdict({ tokens: tokens(1_000) }).overfull).toHaveLength(1);
    expect(verdict({ tokens: tokens(999) }).overfull).toEqual([]);
  });

  it("finds two handlers of a session at once, and a message begun before the one in front of it was done", () => {
    const one = { ...handled, sessionId: "s", startedAt: 0, endedAt: 10, stoppedAt: 10 };
    const other = { ...one, messageId: "m-2", sequenceNumber: 2, lockToken: "lock-2" };
    const story = (second: Partial<HandlerRecord>, first: Partial<HandlerRecord> = {}): Verdict =>
      verdict({
        stored: [
          { ...stored, sessionId: "s" },
          { ...stored, sessionId: "s", messageId: "m-2", sequenceNumber: 2 },
        ],
        settled: [completed, { ...completed, sequenceNumber: 2, lockToken: "lock-2" }],
        handlers: [
          { ...one, ...first },
          { ...other, ...second },
        ],
      });
    expect(story({ startedAt: 10, endedAt: 20, stoppedAt: 20 }).disordered).toEqual([]);
    expect(story({ startedAt: 9, endedAt: 20, stoppedAt: 20 }).disordered).toHaveLength(2);
    // The first was aborted, and nobody has done its work.
    const aborted = { endedAt: undefined as never };
    expect(story({ startedAt: 11, endedAt: 20, stoppedAt: 20 }, aborted).disordered).toHaveLength(1);
  });
});
