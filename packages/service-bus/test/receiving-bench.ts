import type { MessageHandlers, ServiceBusMessage, ServiceBusReceivedMessage } from "@azure/service-bus";
import {
  serviceBus,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { ServiceBusClient, type HoldfastEvent, type ServiceBusClientOptions } from "@holdfast/service-bus";

export const queue = "orders";

/** A service, a client of ours on it, and what it tells. */
export interface ReceivingBench extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly client: ServiceBusClient;
  readonly events: HoldfastEvent[];
  /** Stores messages; a number stands for so many with the bodies 0, 1, 2 … */
  fill(messages: number | ServiceBusMessage[]): Promise<void>;
}

type QueueOptions = Exclude<NonNullable<ServiceBusOptions["queues"]>[number], string>;

/** One queue, and the client's options. */
export async function receivingBench(
  settings: Partial<QueueOptions> = {},
  { resilience, ...options }: ServiceBusClientOptions = {},
  service: Omit<ServiceBusOptions, "queues"> = {},
): Promise<ReceivingBench> {
  const bus = await serviceBus({ ...service, queues: [{ name: queue, ...settings }] });
  const events: HoldfastEvent[] = [];
  const client = new ServiceBusClient(bus.connectionString, {
    ...options,
    resilience: { onEvent: (event) => events.push(event), ...(resilience === false ? {} : resilience) },
  });
  return {
    bus,
    client,
    events,
    async fill(messages) {
      const list =
        typeof messages === "number"
          ? Array.from({ length: messages }, (_, index) => ({ body: index }))
          : messages;
      const sender = client.createSender(queue);
      await sender.sendMessages(list);
      await sender.close();
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

/** Handlers that note what comes. */
export function recording(
  processMessage: (message: ServiceBusReceivedMessage) => Promise<void> | void = () => undefined,
): MessageHandlers & {
  readonly bodies: unknown[];
  readonly errors: { source: string; error: Error & { code?: string } }[];
} {
  const bodies: unknown[] = [];
  const errors: { source: string; error: Error }[] = [];
  return {
    bodies,
    errors,
    processMessage: async (message) => {
      bodies.push(message.body);
      await processMessage(message);
    },
    processError: ({ error, errorSource }) => {
      errors.push({ source: errorSource, error });
      return Promise.resolve();
    },
  };
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
