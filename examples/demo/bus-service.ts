import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from "@azure/service-bus";
import {
  serviceBus,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import type { Scene, Service } from "./service.ts";
import type { Order } from "./work.ts";

/** A simulated namespace, on a real socket; its journal tells what it stored. */
export async function simulatedBus(
  queues: number,
  namespace: Omit<ServiceBusOptions, "queues" | "seed">,
  arrange: ((bus: ServiceBusSimulator, scene: Scene) => Promise<void> | void) | undefined,
): Promise<Service> {
  const names = Array.from({ length: queues }, (_, index) => `orders-${String(index + 1)}`);
  const settings = names.map((name) => ({ name, duplicateDetectionWindowMs: 600_000 }));
  const bus = await serviceBus({ ...namespace, queues: settings, seed: 1 });
  return {
    target: { service: "service-bus", connectionString: bus.connectionString, queues: names },
    arrange: async (scene) => arrange?.(bus, scene),
    storedOrders: (run) => Promise.resolve(ordersOf(run, bus.journal.stored())),
    [Symbol.asyncDispose]: () => bus.close(),
  };
}

/** A real namespace: no faults, and the ledger is what one finds by peeking. Nothing of others is touched. */
export function namespaceService(connectionString: string, queue: string): Service {
  return {
    target: { service: "service-bus", connectionString, queues: [queue] },
    arrange: () => Promise.resolve(),
    async storedOrders(run) {
      const client = new ServiceBusClient(connectionString);
      try {
        return ordersOf(run, await peekAll(client.createReceiver(queue)));
      } finally {
        await client.close();
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function peekAll(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage[]> {
  const found: ServiceBusReceivedMessage[] = [];
  for (;;) {
    const messages = await receiver.peekMessages(100); // Goes on where the last call ended.
    if (messages.length === 0) return found;
    found.push(...messages);
  }
}

function ordersOf(run: string, messages: readonly { readonly body?: unknown }[]): number[] {
  return messages
    .map(({ body }) => body as Partial<Order> | undefined)
    .flatMap((order) => (order?.run === run && order.order !== undefined ? [order.order] : []));
}
