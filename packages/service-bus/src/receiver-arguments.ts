import type {
  ServiceBusClient,
  ServiceBusReceiver,
  ServiceBusReceiverOptions as OfficialReceiverOptions,
} from "@azure/service-bus";
import { badOption } from "@holdfast/core";
import { largestBatch } from "./batch-calls.ts";
import { putNumbersForDates } from "./dates-as-numbers.ts";
import type { ReceiverMaker } from "./entity-connection.ts";
import type { ReceiverSettings } from "./receiver.ts";

/** The official options of a receiver, and ours. */
export interface ServiceBusReceiverOptions extends OfficialReceiverOptions {
  /**
   * How many messages are asked for ahead of `receiveMessages` and the iterator, 0 to 1500; the official client for .NET has
   * the option of this name. Default 0: none. They wait in the receiver with their locks kept, for up to
   * `maxAutoLockRenewalDurationInMs`, and others do not get them meanwhile; `close()` and `subscribe()` abandon them. Not for
   * `receiveAndDelete`, where what waits would be lost with the process.
   */
  readonly prefetchCount?: number;
}

/** What the overloads of `createReceiver` take. */
export type ReceiverArguments =
  | readonly [queueName: string, options?: ServiceBusReceiverOptions | undefined]
  | readonly [topicName: string, subscriptionName: string, options?: ServiceBusReceiverOptions | undefined];

/** The official client's default, and ours. */
const defaultMaxLockRenewalMs = 300_000;

/** The arguments of `createReceiver`, read. */
export interface ParsedReceiver {
  /** Queue or topic and subscription: what a link's token is for. */
  readonly audience: string;
  readonly maker: ReceiverMaker;
  readonly settings: Omit<ReceiverSettings, "fullyQualifiedNamespace">;
}

/** @throws HoldfastError `misconfigured` for a bad `maxAutoLockRenewalDurationInMs` or `prefetchCount`. */
export function parseReceiverArguments([entity, second, third]: ReceiverArguments): ParsedReceiver {
  const subscriptionName = typeof second === "string" ? second : undefined;
  const { prefetchCount = 0, ...options } = (typeof second === "string" ? third : second) ?? {};
  assertPrefetchCount(prefetchCount, options.receiveMode);
  const make = (client: ServiceBusClient, ours: OfficialReceiverOptions = {}): ServiceBusReceiver => {
    // The official client deletes the mode from what it is given; and its own renewal would be a second one (gaps 6 to 9).
    const fresh = { ...options, maxAutoLockRenewalDurationInMs: 0, ...ours };
    return subscriptionName === undefined
      ? client.createReceiver(entity, fresh)
      : client.createReceiver(entity, subscriptionName, fresh);
  };
  return {
    audience: subscriptionName === undefined ? entity : `${entity}/Subscriptions/${subscriptionName}`,
    maker: {
      make: (client) => make(client),
      makeForLink: (client) => make(client, { skipConvertingDate: true }),
      received: options.skipConvertingDate === true ? () => undefined : putNumbersForDates,
    },
    settings: {
      receiveMode: options.receiveMode ?? "peekLock",
      maxLockRenewalMs: maxLockRenewalMs(options.maxAutoLockRenewalDurationInMs),
      prefetchCount,
    },
  };
}

/** How long locks are renewed: the user's `maxAutoLockRenewalDurationInMs`, 300 s without. */
export function maxLockRenewalMs(given: number | null | undefined): number {
  if (given === undefined || given === null) return defaultMaxLockRenewalMs;
  if (typeof given === "number" && given >= 0) return given;
  throw badOption("maxAutoLockRenewalDurationInMs", given, "a number of milliseconds, 0 or more");
}

function assertPrefetchCount(count: unknown, receiveMode: OfficialReceiverOptions["receiveMode"]): void {
  if (!Number.isInteger(count) || (count as number) < 0 || (count as number) > largestBatch) {
    throw badOption("prefetchCount", count, `a whole number from 0 to ${String(largestBatch)}`);
  }
  if (count !== 0 && receiveMode === "receiveAndDelete") {
    throw badOption("prefetchCount", count, "0 with receiveMode receiveAndDelete: what waits could be lost");
  }
}
