import { failureOf, ServiceBusClient, type Failure, type HoldfastEvent } from "@holdfast/service-bus";
import { ownTime } from "../own-time/own-time.ts";
import { failLookupsFor } from "./lookup.ts";
import { queue, type FailingService, type Scenario } from "./scenarios.ts";

/** How one call of ours ended. */
export interface Sent {
  readonly settledMs: number;
  readonly error?: unknown;
  readonly failure?: Failure | undefined;
}

/** Does the scenario's work with our client, closes it, and never rejects; `ownMs` leaves out what a busy machine adds. */
export async function sendOurs(
  { messages, resolvesAfterMs }: Scenario,
  { connectionString }: FailingService,
): Promise<{ sent: Sent[]; ownMs: number; events: HoldfastEvent[] }> {
  const events: HoldfastEvent[] = [];
  const restoreLookup = resolvesAfterMs === undefined ? undefined : failLookupsFor(resolvesAfterMs);
  await using client = new ServiceBusClient(connectionString, {
    resilience: { onEvent: (event) => events.push(event) },
  });
  const sender = client.createSender(queue);
  const startedAt = performance.now();
  const own = ownTime();
  const sent = await Promise.all(
    messages.map((message) =>
      sender.sendMessages(message).then(
        () => ({ settledMs: performance.now() - startedAt }),
        (error: unknown) => ({ settledMs: performance.now() - startedAt, error, failure: failureOf(error) }),
      ),
    ),
  );
  const ownMs = own();
  restoreLookup?.();
  return { sent, ownMs, events };
}
