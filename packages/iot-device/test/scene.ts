import { Mqtt } from "azure-iot-device-mqtt";
import { vi } from "vitest";
import type { HoldfastEvent } from "@holdfast/core";
import {
  iotHub,
  type DeviceControl,
  type IotHubOptions,
  type IotHubSimulator,
} from "@holdfast/simulators/iot-hub";
import { Client, type ResilienceOptions } from "@holdfast/iot-device";

/** A hub with one device, and our client for it. */
export interface Scene extends AsyncDisposable {
  readonly hub: IotHubSimulator;
  readonly device: DeviceControl;
  readonly client: Client;
  readonly events: HoldfastEvent[];
}

export const deviceId = "d1";

/** Fast enough for a test, with the shape of the defaults. */
export const quick: ResilienceOptions = { closeTimeoutMs: 200 };

export async function scene(
  resilience: ResilienceOptions = quick,
  options: IotHubOptions = {},
  Transport: unknown = Mqtt,
): Promise<Scene> {
  const hub = await iotHub({ devices: [deviceId], ...options });
  const events: HoldfastEvent[] = [];
  const client = Client.fromConnectionString(hub.deviceConnectionString(deviceId), Transport, {
    resilience: { ...resilience, onEvent: (event) => events.push(event) },
  });
  await client.setOptions({ ca: hub.ca });
  return {
    ...{ hub, client, events },
    device: hub.device(deviceId),
    async [Symbol.asyncDispose]() {
      await client.close();
      await hub.close();
    },
  };
}

/** Waits for a condition and not for a time; the bound is far above what a busy machine needs. */
export function until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
  return vi.waitFor(
    () => {
      if (!condition())
        throw new Error(`It did not come true within ${String(timeoutMs)} ms: ${String(condition)}`);
    },
    { timeout: timeoutMs, interval: 10 },
  );
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
