import type { AbortSignalLike } from "@holdfast/core";

/** A method of the official administration client that makes one request, and where its options stand. */
export interface AdministrationCall {
  /** The index of the options among the arguments; the last argument when there may be one more before it. */
  readonly optionsAt: number | "last";
  /** Asked when a repeated `create` finds that the entity exists: the attempt whose answer was lost may have made it. */
  readonly readWith?: AdministrationCallName;
  /** The method deletes; a repetition that finds nothing has what it wanted. */
  readonly deletes?: true;
}

/** The methods that make one request. */
export const administrationCalls = {
  getNamespaceProperties: { optionsAt: 0 },
  createQueue: { optionsAt: 1, readWith: "getQueue" },
  getQueue: { optionsAt: 1 },
  getQueueRuntimeProperties: { optionsAt: 1 },
  updateQueue: { optionsAt: 1 },
  deleteQueue: { optionsAt: 1, deletes: true },
  createTopic: { optionsAt: 1, readWith: "getTopic" },
  getTopic: { optionsAt: 1 },
  getTopicRuntimeProperties: { optionsAt: 1 },
  updateTopic: { optionsAt: 1 },
  deleteTopic: { optionsAt: 1, deletes: true },
  createSubscription: { optionsAt: 2, readWith: "getSubscription" },
  getSubscription: { optionsAt: 2 },
  getSubscriptionRuntimeProperties: { optionsAt: 2 },
  updateSubscription: { optionsAt: 1 },
  deleteSubscription: { optionsAt: 2, deletes: true },
  createRule: { optionsAt: "last", readWith: "getRule" },
  getRule: { optionsAt: 3 },
  updateRule: { optionsAt: 3 },
  deleteRule: { optionsAt: 3, deletes: true },
} as const satisfies Readonly<Record<string, Omit<AdministrationCall, "readWith"> & { readWith?: string }>>;

export type AdministrationCallName = keyof typeof administrationCalls;

/** What asks whether an entity exists, what it asks with, and how many names that takes. */
export const existenceChecks = {
  queueExists: { readWith: "getQueue", names: 1 },
  topicExists: { readWith: "getTopic", names: 1 },
  subscriptionExists: { readWith: "getSubscription", names: 2 },
  ruleExists: { readWith: "getRule", names: 3 },
} as const satisfies Readonly<Record<string, { readWith: AdministrationCallName; names: number }>>;

/** What lists in pages, and how many names go before the options. */
export const listings = {
  listQueues: 0,
  listQueuesRuntimeProperties: 0,
  listTopics: 0,
  listTopicsRuntimeProperties: 0,
  listSubscriptions: 1,
  listSubscriptionsRuntimeProperties: 1,
  listRules: 2,
} as const;

/** The arguments with a signal of the attempt's in the options. */
export function withSignal(
  args: readonly unknown[],
  optionsAt: number | "last",
  abortSignal: unknown,
): readonly unknown[] {
  const index = optionsAt === "last" ? lastOptions(args) : optionsAt;
  const copy = [...args];
  while (copy.length <= index) copy.push(undefined);
  copy[index] = { ...(copy[index] as object | undefined), abortSignal };
  return copy;
}

/** The options that the caller gave, if any. */
export function optionsOf(args: readonly unknown[], optionsAt: number | "last"): CallerOptions {
  return args[optionsAt === "last" ? lastOptions(args) : optionsAt] ?? {};
}

interface CallerOptions {
  readonly abortSignal?: AbortSignalLike;
}

// createRule(topic, subscription, rule, filter, [action,] [options]): as the official client, an action has sqlExpression.
function lastOptions(args: readonly unknown[]): number {
  const fifth = args[4];
  const isAction = typeof fifth === "object" && fifth !== null && "sqlExpression" in fifth;
  return isAction || args.length > 5 ? 5 : 4;
}
