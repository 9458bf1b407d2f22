import { setTimeout as sleep } from "node:timers/promises";
import type { IotHubSimulator } from "@holdfast/simulators/iot-hub";
import { deviceId, simulatedHub } from "./hub-service.ts";
import type { Scenario } from "./scenarios.ts";
import type { Scene } from "./service.ts";

/** What an IoT hub, and the network before it, do to a device. */
export const hubScenarios: readonly Scenario[] = [
  onHub("device-start", "a device starts 3 s before its network does", "telemetry", async (hub, scene) => {
    await hub.stop();
    await scene.begun;
    await sleep(3_000, undefined, { signal: scene.stopped });
    await hub.start();
  }),
  onHub(
    "device-reset",
    "a device's connection is reset between two commands",
    "commands",
    async (hub, scene) => {
      await scene.begun;
      for (let order = 1; order <= scene.orders; order += 1) {
        if (order === scene.orders / 2) hub.device(deviceId).drop({ how: "reset" });
        scene.sent(order);
        hub
          .device(deviceId)
          .send({ body: JSON.stringify({ run: scene.run, order }), messageId: String(order) });
        await sleep(scene.everyMs, undefined, { signal: scene.stopped });
      }
    },
  ),
];

function onHub(
  name: string,
  title: string,
  work: "telemetry" | "commands",
  arrange: (hub: IotHubSimulator, scene: Scene) => Promise<void>,
): Scenario {
  return { name, title, service: "iot-hub", start: () => simulatedHub(work, arrange) };
}
