import {
  failureOf,
  ServiceBusClient,
  type Failure,
  type HoldfastEvent,
  type ServiceBusClientOptions,
} from "@holdfast/service-bus";

/** How one call of ours ended. */
export interface Sent {
  readonly settledMs: number;
  readonly error?: unknown;
  readonly failure?: Failure | undefined;
}

/** Sends each message by a call of its own, all at once, with our client; closes it; never rejects. */
export async function sendOurs(
  connectionString: string,
  queue: string,
  messages: Parameters<ReturnType<ServiceBusClient["createSender"]>["sendMessages"]>[0][],
  options: ServiceBusClientOptions = {},
): Promise<{ sent: Sent[]; events: HoldfastEvent[] }> {
  const events: HoldfastEvent[] = [];
  const resilience = options.resilience === false ? {} : options.resilience;
  await using client = new ServiceBusClient(connectionString, {
    ...options,
    resilience: { ...resilience, onEvent: (event) => events.push(event) },
  });
  const sender = client.createSender(queue);
  const startedAt = performance.now();
  const sent = await Promise.all(
    messages.map((message) =>
      sender.sendMessages(message).then(
        () => ({ settledMs: performance.now() - startedAt }),
        (error: unknown) => ({ settledMs: performance.now() - startedAt, error, failure: failureOf(error) }),
      ),
    ),
  );
  return { sent, events };
}
