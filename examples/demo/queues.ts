import { ServiceBusClient as BareClient, type ServiceBusSender } from "@azure/service-bus";
import { ServiceBusClient as HoldfastClient } from "@holdfast/service-bus";
import type { OrderClient } from "./client-process.ts";
import type { Order, Target, Variant } from "./work.ts";

// What a demo leaves behind in a real queue removes itself.
const timeToLiveMs = 600_000;

/** Sends orders to some queues in turn. */
export function openQueues(
  variant: Variant,
  { connectionString, queues }: Target & { service: "service-bus" },
  run: string,
): OrderClient {
  const client = new (variant === "wrapped" ? HoldfastClient : BareClient)(connectionString);
  const senders = queues.map((queue) => client.createSender(queue));
  return {
    send: (order) => {
      const sender = senders[order % senders.length] as ServiceBusSender;
      return sender.sendMessages({ body: { run, order } satisfies Order, timeToLive: timeToLiveMs });
    },
    close: () => client.close(),
  };
}
