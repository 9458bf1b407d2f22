import type { OperationOptionsBase, ServiceBusMessageBatch } from "@azure/service-bus";
import { failureOf, rememberFailure, type ItemOutcome, type Policy } from "@holdfast/core";
import { splitMessages, type Part } from "./batch-split.ts";
import type { SingleMessage } from "./message-key.ts";
import { linkClosedError, messageTooLargeError } from "./official-errors.ts";
import type { Resilience } from "./resilience.ts";
import type { SenderLink } from "./sender-link.ts";

/** Messages to send together. */
export interface SentArray {
  readonly messages: readonly SingleMessage[];
  /** For each, its place in what the caller gave, where several may stand for one. Default: its own. */
  readonly origins?: readonly number[];
}

/** What sending an array needs of its sender. */
export interface ArraySender {
  readonly entityPath: string;
  readonly resilience: Resilience;
  /** Runs planning on an open link, under the policy of sends. */
  readonly plan: (work: (link: SenderLink) => Promise<Part[]>) => Promise<Part[]>;
  /** Sends one part, under this policy. */
  readonly send: (content: ServiceBusMessageBatch | SingleMessage, policy?: Policy) => Promise<void>;
}

/**
 * Sends an array: as one transfer when it fits, otherwise in parts; those of one key one after the other, so that
 * their order holds. After a failure the rest of its key is not sent.
 *
 * @throws the first failed part's official error; `failureOf(error).items` has every message's outcome.
 */
export async function sendArray(
  { messages, origins }: SentArray,
  options: OperationOptionsBase | undefined,
  sender: ArraySender,
): Promise<void> {
  const { resilience, entityPath } = sender;
  const startedAt = resilience.clock.now();
  const planned = await sender.plan((link) => splitMessages(messages, batchMaker(link), options));
  const parts =
    origins === undefined
      ? planned
      : planned.map((part) => ({
          ...part,
          indices: part.indices.map((index) => origins[index] ?? index),
        }));
  const [only, ...others] = parts;
  if (only?.content !== undefined && others.length === 0) {
    await sender.send(only.content, remaining(resilience, startedAt));
    return;
  }
  const outcomes = new Map<Part, PartOutcome>();
  await Promise.all(chainsOf(parts).map((chain) => sendChain(chain, outcomes, sender, startedAt)));
  report(entityPath, messages.length, parts, outcomes);
}

/** The parts of each key, in order. */
function chainsOf(parts: readonly Part[]): Part[][] {
  const chains = new Map<string, Part[]>();
  for (const part of parts) {
    const chain = chains.get(part.key);
    if (chain === undefined) chains.set(part.key, [part]);
    else chain.push(part);
  }
  return [...chains.values()];
}

interface PartOutcome {
  readonly outcome: ItemOutcome["outcome"];
  readonly error?: unknown;
}

async function sendChain(
  chain: readonly Part[],
  outcomes: Map<Part, PartOutcome>,
  { entityPath, resilience, send }: ArraySender,
  startedAt: number,
): Promise<void> {
  let failed: unknown;
  for (const part of chain) {
    const [index = 0] = part.indices;
    if (failed !== undefined) outcomes.set(part, { outcome: "rejected", error: failed });
    else if (part.content === undefined) {
      // The others do not depend on it: it can never be stored.
      outcomes.set(part, { outcome: "rejected", error: messageTooLargeError(entityPath, index) });
    } else {
      try {
        await send(part.content, remaining(resilience, startedAt));
        outcomes.set(part, { outcome: "accepted" });
      } catch (error) {
        failed = error;
        outcomes.set(part, { outcome: failureOf(error)?.outcome ?? "unknown", error });
      }
    }
  }
}

/** Rejects with the first failure, if there is one, with the outcome of every message beside it. */
function report(
  entityPath: string,
  count: number,
  parts: readonly Part[],
  outcomes: ReadonlyMap<Part, PartOutcome>,
): void {
  const byIndex = new Map<number, ItemOutcome>();
  for (const part of parts) {
    const outcome = outcomes.get(part) ?? { outcome: "rejected" as const };
    for (const index of part.indices) {
      // A message in chunks is stored when all of them are.
      const before = byIndex.get(index)?.outcome ?? "accepted";
      if (before === "accepted" || outcome.outcome === "rejected") byIndex.set(index, { index, ...outcome });
    }
  }
  const items = [...byIndex.values()].sort((a, b) => a.index - b.index);
  const first = items.find(({ outcome }) => outcome !== "accepted");
  if (first === undefined) return;
  const known = failureOf(first.error) ?? tooLarge(entityPath, count);
  const outcome = items.some((item) => item.outcome === "unknown") ? "unknown" : "rejected";
  rememberFailure(first.error, { ...known, outcome, items });
  throw first.error;
}

function tooLarge(entityPath: string, count: number): NonNullable<ReturnType<typeof failureOf>> {
  return {
    kind: "too-large",
    service: "service-bus",
    code: "MessageSizeExceeded",
    id: "SBC-008",
    because: `one of the ${String(count)} messages is larger than "${entityPath}" takes`,
    remedy: "keep the payload elsewhere and send a reference; the other messages were sent",
    see: undefined,
    missingClaim: undefined,
    trackingId: undefined,
    reason: "permanent",
    outcome: "rejected",
    attempts: [],
    elapsedMs: 0,
  };
}

/** The policy for what is left of the call's deadline; undefined while it is the whole. */
function remaining({ clock, policy }: Resilience, startedAt: number): Policy | undefined {
  const send = policy("serviceBus.send");
  const elapsedMs = clock.now() - startedAt;
  if (send.deadlineMs === Infinity || elapsedMs < send.deadlineMs / 100) return undefined;
  return send.with({ attemptTimeoutMs: Infinity, deadlineMs: Math.max(1, send.deadlineMs - elapsedMs) });
}

function batchMaker(link: SenderLink): {
  batch(): Promise<ServiceBusMessageBatch>;
  measure(): Promise<ServiceBusMessageBatch>;
} {
  const open = async (
    batch: Promise<ServiceBusMessageBatch | undefined>,
  ): Promise<ServiceBusMessageBatch> => {
    const made = await batch;
    if (made === undefined) throw linkClosedError(link.entityPath);
    return made;
  };
  return {
    batch: () => open(link.emptyBatch()),
    measure: () => open(link.emptyBatch({ maxSizeInBytes: link.maxMessageBytes })),
  };
}
