import iot from "azure-iot-device";
import { Amqp } from "azure-iot-device-amqp";
import { Mqtt } from "azure-iot-device-mqtt";
import { backoff } from "@holdfast/core";
import { Client, iotPolicies } from "@holdfast/iot-device";
import type { DevicePlan } from "./plan.ts";

/** Who is put through the schedules: the official client with its default retry policy, and ours with the outbox. */
export const deviceContenders = ["bare", "wrapped"] as const;
export type DeviceContender = (typeof deviceContenders)[number];

/** What does not come is given up after this long, so that a run takes seconds; the defaults are 20 and 30 s. */
const attemptTimeoutMs = 2_000;

// The defaults wait 20 s and more.
const throttledBackoff = backoff.equal({ baseMs: 500, capMs: 2_000 });

/** A client of a contender. Only the official interface is used of it. */
export function deviceClientOf(
  contender: DeviceContender,
  transport: DevicePlan["transport"],
  connectionString: string,
): iot.Client {
  const Transport = transport === "mqtt" ? Mqtt : Amqp;
  if (contender === "bare") return iot.Client.fromConnectionString(connectionString, Transport);
  const short = { attemptTimeoutMs, throttledBackoff };
  return Client.fromConnectionString(connectionString, Transport, {
    resilience: {
      outbox: {},
      policies: iotPolicies({ "iot.connect": short, "iot.outbox": short, "iot.subscribe": short }),
      // A schedule ends more connections in a minute than any second user of the identity: with the default the device
      // would take them for one, and stay away for a minute.
      duplicateIdentity: { kicks: 1_000 },
      slowRetryMs: 1_000,
      keepAliveSeconds: 5,
    },
  });
}

/** How the hub's journal knows the connection that takes the device's place. */
export const takerName = "taker";

/** Another user of the device's identity, who comes once and does not come back. */
export async function takeOver(connectionString: string, ca: string, forMs: number): Promise<void> {
  const taker = iot.Client.fromConnectionString(connectionString, Mqtt);
  taker.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => -1 });
  taker.on("error", () => undefined);
  await taker.setOptions({ ca, productInfo: takerName });
  await taker.open().catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, forMs));
  // The official client's close() need not return when its connection was taken meanwhile.
  await Promise.race([
    taker.close().catch(() => undefined),
    new Promise((resolve) => setTimeout(resolve, 1_000)),
  ]);
}
