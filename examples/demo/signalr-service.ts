import { signalr, type SignalRSimulator } from "@holdfast/simulators/signalr";
import type { Scene, Service } from "./service.ts";

/** A simulated app server behind the SignalR service, with one hub; its journal tells which calls arrived. */
export async function simulatedSignalR(
  arrange: (sim: SignalRSimulator, scene: Scene) => Promise<void>,
): Promise<Service> {
  const sim = await signalr({ hubs: ["orders"] });
  sim.hub("orders").on("Place", () => undefined);
  return {
    target: { service: "signalr", url: sim.url("orders") },
    arrange: (scene) => arrange(sim, scene),
    storedOrders: (run) => {
      const placed = sim.journal.invocations().map((call) => call.arguments as [string, number]);
      return Promise.resolve(placed.flatMap(([of, order]) => (of === run ? [order] : [])));
    },
    [Symbol.asyncDispose]: () => sim.close(),
  };
}
