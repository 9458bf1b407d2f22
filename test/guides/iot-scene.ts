import { AmqpWs } from "azure-iot-device-amqp";
import { Http } from "azure-iot-device-http";
import { Mqtt, MqttWs } from "azure-iot-device-mqtt";
import { vi } from "vitest";
import { Client, type HoldfastEvent, type ResilienceOptions } from "@holdfast/iot-device";
import { iotHub, type IotHubOptions, type IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { runBareDevice, type BareDevice } from "./iot-bare.ts";
import type { BareScenario } from "./iot-bare-process.ts";

/** A hub with a device for each of the two clients. */
export interface TwoDevices extends AsyncDisposable {
  readonly hub: IotHubSimulator;
  /** Ours, as device `ours`. */
  readonly client: Client;
  readonly events: HoldfastEvent[];
  /** Starts the official client, as device `bare`. */
  bare(scenario: BareScenario): BareDevice;
}

export async function twoDevices(
  resilience: ResilienceOptions | ((hub: IotHubSimulator) => ResilienceOptions) = {},
  options: IotHubOptions = {},
  Transport: unknown = Mqtt,
): Promise<TwoDevices> {
  const hub = await iotHub({ devices: ["bare", "ours"], ...options });
  const given = typeof resilience === "function" ? resilience(hub) : resilience;
  const events: HoldfastEvent[] = [];
  const running: BareDevice[] = [];
  const client = Client.fromConnectionString(connectionStringFor(hub, "ours", Transport), Transport, {
    resilience: { closeTimeoutMs: 100, ...given, onEvent: (event) => events.push(event) },
  });
  await client.setOptions(optionsFor(hub));
  return {
    ...{ hub, client, events },
    bare(scenario) {
      const device = runBareDevice({
        ...{ scenario, ca: hub.ca },
        connectionString: hub.deviceConnectionString("bare"),
      });
      running.push(device);
      return device;
    },
    async [Symbol.asyncDispose]() {
      for (const device of running) device[Symbol.dispose]();
      await client.close();
      await hub.close();
    },
  };
}

/** WebSockets and HTTPS know one port, 443, and no gateway's: an agent leads them to the simulated hub. */
export function connectionStringFor(hub: IotHubSimulator, device: string, Transport: unknown): string {
  const direct = hub.deviceConnectionString(device);
  const isDirect = [MqttWs, AmqpWs, Http].includes(Transport as never);
  return isDirect ? direct.replace(/;GatewayHostName=[^;]*/, "") : direct;
}

/** What leads each transport to the simulated hub. */
export function optionsFor(hub: IotHubSimulator): Parameters<Client["setOptions"]>[0] {
  const agent = hub.agent();
  return { ca: hub.ca, http: { agent }, mqtt: { webSocketAgent: agent }, amqp: { webSocketAgent: agent } };
}

/** Waits for a condition and not for a time; the bound is far above what a busy machine needs. */
export function until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
  return vi.waitFor(
    () => {
      if (!condition()) throw new Error(`It did not come true: ${String(condition)}`);
    },
    { timeout: timeoutMs, interval: 10 },
  );
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How often a device was let in. */
export function connects(hub: IotHubSimulator, device: string): number {
  return hub.journal.connections(device).filter(({ openedAt }) => openedAt !== undefined).length;
}

/** The bodies of what the hub took over from a device, in order. */
export function bodies(hub: IotHubSimulator, device: string): string[] {
  return hub.journal.telemetry(device).map(({ body }) => body.toString());
}
