import {
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from "@azure/service-bus";
import { serviceBus } from "@holdfast/simulators/service-bus";
import type { Scenario } from "./scenarios.ts";
import type { Order } from "./work.ts";

/** What the demo sends to. */
export interface Service extends AsyncDisposable {
  readonly target: { readonly connectionString: string; readonly queues: readonly string[] };
  /** Begins the scenario's faults. */
  arrange(scenario: Scenario, firstSend: Promise<void>, stopped: AbortSignal): Promise<void>;
  /** The order numbers of a run that are in the queue, one for each message. */
  storedOrders(run: string): Promise<readonly number[]>;
}

/** A simulator of its own, on a real socket; its journal tells what it stored. */
export async function simulatedService({ queues = 1, namespace = {} }: Scenario): Promise<Service> {
  const names = Array.from({ length: queues }, (_, index) => `orders-${String(index + 1)}`);
  const settings = names.map((name) => ({ name, duplicateDetectionWindowMs: 600_000 }));
  const bus = await serviceBus({ ...namespace, queues: settings, seed: 1 });
  return {
    target: { connectionString: bus.connectionString, queues: names },
    arrange: async (scenario, firstSend, stopped) => scenario.arrange?.(bus, firstSend, stopped),
    storedOrders: (run) => Promise.resolve(ordersOf(run, bus.journal.stored())),
    [Symbol.asyncDispose]: () => bus.close(),
  };
}

/** A real namespace: no faults, and the ledger is what one finds by peeking. Nothing of others is touched. */
export function namespaceService(connectionString: string, queue: string): Service {
  return {
    target: { connectionString, queues: [queue] },
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
