import * as official from "@azure/service-bus";
import { failureOf, ServiceBusClient, serviceBusPolicies } from "@holdfast/service-bus";

/**
 * Who is put through the schedules: the official client as it comes, the official client with the retry options that
 * fit the faults best, and ours.
 */
export const contenders = ["bare", "tuned", "wrapped"] as const;
export type Contender = (typeof contenders)[number];

/** An answer that does not come is given up after this long, so that a run takes seconds; the default is 10 s. */
const attemptTimeoutMs = 2_000;

/** A client of a contender. Only the official interface is used of it. */
export function clientOf(contender: Contender, connectionString: string): official.ServiceBusClient {
  if (contender === "bare") return new official.ServiceBusClient(connectionString);
  if (contender === "tuned") {
    return new official.ServiceBusClient(connectionString, {
      retryOptions: {
        mode: official.RetryMode.Exponential,
        maxRetries: 20,
        retryDelayInMs: 250,
        maxRetryDelayInMs: 5_000,
        timeoutInMs: attemptTimeoutMs,
      },
    });
  }
  const policies = serviceBusPolicies({
    // Short enough for a run to see calls that give up.
    "serviceBus.send": { attemptTimeoutMs, deadlineMs: 6_000 },
    "serviceBus.settle": { attemptTimeoutMs },
  });
  return new ServiceBusClient(connectionString, {
    // A connection that fell silent while nothing was under way is looked for sooner than after a minute, too.
    resilience: { policies, stallAfterMs: 10_000 },
  });
}

/** Whether a rejected send may have been stored all the same: what the error says, which of the official client is nothing. */
export function mayBeStored(contender: Contender, error: unknown): boolean {
  return contender !== "wrapped" || failureOf(error)?.outcome !== "rejected";
}
