import * as bare from "@microsoft/signalr";
import { HubConnectionBuilder } from "@holdfast/signalr";
import type { OrderClient } from "./client-process.ts";
import type { Target, Variant } from "./work.ts";

/** Calls the hub with each order. Nobody waits for the start: whoever calls does. */
export function openHub(
  variant: Variant,
  { url }: Target & { service: "signalr" },
  run: string,
): OrderClient {
  const builder =
    variant === "wrapped"
      ? // An order is known by its number, so it may arrive twice.
        new HubConnectionBuilder().withResilience({ whileDown: "queue", idempotent: ["Place"] })
      : new bare.HubConnectionBuilder().withAutomaticReconnect();
  const connection = builder.withUrl(url).configureLogging(bare.LogLevel.None).build();
  const started = connection.start();
  return {
    send: async (order) => {
      await started;
      await connection.invoke("Place", run, order);
    },
    close: () => connection.stop(),
  };
}
