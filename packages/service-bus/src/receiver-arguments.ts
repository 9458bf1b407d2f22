import type { ServiceBusClient, ServiceBusReceiver, ServiceBusReceiverOptions } from "@azure/service-bus";
import { badOption } from "@holdfast/core";
import type { MakeReceiver } from "./entity-connection.ts";
import type { ReceiverSettings } from "./receiver.ts";

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
  readonly make: MakeReceiver;
  readonly settings: Omit<ReceiverSettings, "fullyQualifiedNamespace">;
}

/** @throws HoldfastError `misconfigured` for a bad `maxAutoLockRenewalDurationInMs`. */
export function parseReceiverArguments([entity, second, third]: ReceiverArguments): ParsedReceiver {
  const subscriptionName = typeof second === "string" ? second : undefined;
  const options = (typeof second === "string" ? third : second) ?? {};
  // The official client deletes the mode from what it is given; and its own renewal would be a second one (gaps 6 to 9).
  const fresh = (): ServiceBusReceiverOptions => ({ ...options, maxAutoLockRenewalDurationInMs: 0 });
  const make = (client: ServiceBusClient): ServiceBusReceiver =>
    subscriptionName === undefined
      ? client.createReceiver(entity, fresh())
      : client.createReceiver(entity, subscriptionName, fresh());
  return {
    audience: subscriptionName === undefined ? entity : `${entity}/Subscriptions/${subscriptionName}`,
    make,
    settings: {
      receiveMode: options.receiveMode ?? "peekLock",
      maxLockRenewalMs: maxLockRenewalMs(options.maxAutoLockRenewalDurationInMs),
    },
  };
}

/** How long locks are renewed: the user's `maxAutoLockRenewalDurationInMs`, 300 s without. */
export function maxLockRenewalMs(given: number | null | undefined): number {
  if (given === undefined || given === null) return defaultMaxLockRenewalMs;
  if (typeof given === "number" && given >= 0) return given;
  throw badOption("maxAutoLockRenewalDurationInMs", given, "a number of milliseconds, 0 or more");
}
