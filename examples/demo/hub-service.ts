import { iotHub, type IotHubSimulator } from "@holdfast/simulators/iot-hub";
import type { Scene, Service } from "./service.ts";
import type { Order, Target } from "./work.ts";

/** The device of the demo. */
export const deviceId = "thermometer";

/** A simulated hub with one device, over MQTT; its journal tells what arrived at either end. */
export async function simulatedHub(
  work: (Target & { service: "iot-hub" })["work"],
  arrange: (hub: IotHubSimulator, scene: Scene) => Promise<void>,
): Promise<Service> {
  // Of a device that is away the service keeps 50; here a lost command shall be the client's doing and not the queue's.
  const hub = await iotHub({ devices: [deviceId], cloudToDevice: { maxQueueDepth: 1_000 } });
  const arrived = (run: string): number[] =>
    hub.journal
      .telemetry(deviceId)
      .map(({ body }) => JSON.parse(body.toString()) as Order)
      .flatMap((order) => (order.run === run ? [order.order] : []));
  const taken = (): number[] =>
    hub.journal
      .settled(deviceId)
      .flatMap(({ outcome, messageId }) => (outcome === "completed" ? [Number(messageId)] : []));
  return {
    target: { service: "iot-hub", work, connectionString: hub.deviceConnectionString(deviceId), ca: hub.ca },
    arrange: (scene) => arrange(hub, scene),
    storedOrders: (run) => Promise.resolve(work === "telemetry" ? arrived(run) : taken()),
    [Symbol.asyncDispose]: () => hub.close(),
  };
}
