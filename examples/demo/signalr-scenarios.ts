import { setTimeout as sleep } from "node:timers/promises";
import { answer, type SignalRSimulator } from "@holdfast/simulators/signalr";
import type { Scenario } from "./scenarios.ts";
import type { Scene } from "./service.ts";
import { simulatedSignalR } from "./signalr-service.ts";

const notConnected = answer(500, {
  body: "Azure SignalR Service is not connected yet, please try again later.",
});

/** What the SignalR service, and the app server behind it, do to a client. */
export const signalrScenarios: readonly Scenario[] = [
  onSignalR("signalr-start", "a SignalR client starts 3 s before the app server", async (sim, scene) => {
    sim.faults.always("service-negotiate", notConnected);
    await scene.begun;
    await sleep(3_000, undefined, { signal: scene.stopped });
    sim.faults.clear();
  }),
  onSignalR(
    "signalr-close",
    "the SignalR service closes the connection with an error",
    async (sim, scene) => {
      await scene.begun;
      await sleep((scene.orders / 2) * scene.everyMs, undefined, { signal: scene.stopped });
      sim.closeConnections({ error: "Connection closed with an error." });
    },
  ),
];

function onSignalR(
  name: string,
  title: string,
  arrange: (sim: SignalRSimulator, scene: Scene) => Promise<void>,
): Scenario {
  return { name, title, service: "signalr", start: () => simulatedSignalR(arrange) };
}
