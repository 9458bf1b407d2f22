import { ServiceBusClient as OfficialClient, type ServiceBusClientOptions } from "@azure/service-bus";
import { ServiceBusClient } from "@holdfast/service-bus";
import {
  serviceBus,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";

type Connect = (connectionString: string, options?: ServiceBusClientOptions) => OfficialClient;

export interface Contender {
  readonly name: string;
  readonly connect: Connect;
}

export const bare: Contender = {
  name: "the official client",
  connect: (connectionString, options) => new OfficialClient(connectionString, options),
};
export const wrapped: Contender = {
  name: "ours",
  connect: (connectionString, options) => new ServiceBusClient(connectionString, options),
};
/** Everything is asserted of both. */
export const contenders = [bare, wrapped];

export interface Scene extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly client: OfficialClient;
}

/** A namespace of its own with a client on it; queue "orders" unless told otherwise. */
export async function scene(
  { connect }: Contender,
  entities: ServiceBusOptions = { queues: ["orders"] },
  options: ServiceBusClientOptions = {},
): Promise<Scene> {
  const bus = await serviceBus(entities);
  const client = connect(bus.connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 5_000 },
    ...options,
  });
  return {
    bus,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Still not so after 10 s: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
