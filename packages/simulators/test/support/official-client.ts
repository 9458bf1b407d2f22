import { ServiceBusClient, type ServiceBusClientOptions } from "@azure/service-bus";
import WebSocket from "ws";
import type { ServiceBusSimulator } from "@holdfast/simulators/service-bus";

/** The bare official client, without retries, so that a test sees each answer of the simulator once. */
export function officialClient(
  bus: ServiceBusSimulator,
  options: ServiceBusClientOptions = {},
  connectionString = bus.connectionString,
): ServiceBusClient {
  return new ServiceBusClient(connectionString, {
    retryOptions: { maxRetries: 0, timeoutInMs: 5_000 },
    ...options,
  });
}

/** Options for AMQP over plain WebSocket: the official client always asks for `wss:`. */
export function plainWebSocket(bus: ServiceBusSimulator): ServiceBusClientOptions {
  return {
    webSocketOptions: {
      webSocket: class extends WebSocket {
        constructor(url: string, protocols?: string | string[]) {
          super(url.replace(/^wss:/, "ws:"), protocols);
        }
      },
    },
    customEndpointAddress: bus.webSocket?.endpoint ?? "",
  };
}
