import { Client, type Message } from "azure-iot-device";
import { Mqtt } from "azure-iot-device-mqtt";
import { NoRetry } from "azure-iot-common";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";

export type DeviceClient = Client;
type Transport = Parameters<typeof Client.fromConnectionString>[1];

/** The bare official device client without retries, so that a test sees each answer of the simulator once. */
export async function deviceClient(
  hub: IotHubSimulator,
  deviceId: string,
  transport: unknown = Mqtt,
  options: Record<string, unknown> = {},
): Promise<Client> {
  const over = (transport as { name: string }).name.endsWith("Ws") ? "web-socket" : "tcp";
  const text = hub.deviceConnectionString(deviceId, undefined, over);
  const client = Client.fromConnectionString(text, transport as Transport);
  client.setRetryPolicy(new NoRetry());
  client.on("error", () => undefined);
  await client.setOptions({ ca: hub.ca, ...options });
  return client;
}

/** The next message to the device. */
export function nextMessage(client: Client): Promise<Message> {
  // Without any listener the official client unsubscribes.
  client.on("message", () => undefined);
  return new Promise((resolve) => {
    client.once("message", resolve);
  });
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean, what = "the condition"): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited 10 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How a promise ends, without throwing. */
export async function outcome<T>(promise: Promise<T>): Promise<T | Error> {
  return promise.catch((error: unknown) => error as Error);
}
