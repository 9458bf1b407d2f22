import bare from "azure-iot-device";
import { Mqtt } from "azure-iot-device-mqtt";
import { Client as HoldfastClient } from "@holdfast/iot-device";
import type { OrderClient } from "./client-process.ts";
import type { Order, Target, Variant } from "./work.ts";

/** A device that sends its orders, or receives them. @param arrived - an order has come from the cloud */
export async function openDevice(
  variant: Variant,
  { connectionString, ca, work }: Target & { service: "iot-hub" },
  run: string,
  arrived: (order: number) => void,
): Promise<OrderClient> {
  const Client = variant === "wrapped" ? HoldfastClient : bare.Client;
  const client = Client.fromConnectionString(connectionString, Mqtt);
  await client.setOptions({ ca });
  if (work === "telemetry") {
    return {
      send: (order) => client.sendEvent(new bare.Message(JSON.stringify({ run, order } satisfies Order))),
      close: () => client.close(),
    };
  }
  client.on("message", (message: bare.Message) => {
    arrived((JSON.parse(String(message.data)) as Order).order);
    client.complete(message, () => undefined);
  });
  await client.open();
  return { close: () => client.close() };
}
