import {
  failureOf,
  ServiceBusClient,
  type Failure,
  type HoldfastEvent,
  type ResilienceOptions,
} from "@holdfast/service-bus";
import {
  serviceBus,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { timed } from "../own-time/own-time.ts";
import { queue } from "./scenarios.ts";

/** A simulated namespace, our client on it, and what the client tells. */
export interface WrappedScene extends AsyncDisposable {
  readonly bus: ServiceBusSimulator;
  readonly client: ServiceBusClient;
  readonly events: HoldfastEvent[];
}

/** One queue, `orders`, unless `options` say otherwise. */
export async function wrappedScene(
  options: ServiceBusOptions = {},
  resilience: ResilienceOptions = {},
): Promise<WrappedScene> {
  const bus = await serviceBus({ queues: [queue], ...options });
  const events: HoldfastEvent[] = [];
  const client = new ServiceBusClient(bus.connectionString, {
    resilience: { onEvent: (event) => events.push(event), closeTimeoutMs: 1_000, ...resilience },
  });
  return {
    ...{ bus, client, events },
    async [Symbol.asyncDispose]() {
      await client.close();
      await bus.close();
    },
  };
}

/** How a call failed, as the caller sees it; throws when it did not fail. */
export async function failed(
  call: Promise<unknown>,
): Promise<{ error: Error; failure: Failure; ownMs: number }> {
  const { error, ownMs } = await timed(call);
  if (error === undefined) throw new Error("The call should have failed.");
  const failure = failureOf(error);
  if (failure === undefined) throw error;
  return { error, failure, ownMs };
}
