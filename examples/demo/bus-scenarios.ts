import { setTimeout as sleep } from "node:timers/promises";
import {
  dropConnection,
  loseAcknowledgement,
  serverBusy,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";
import { simulatedBus } from "./bus-service.ts";
import type { Scenario } from "./scenarios.ts";
import type { Scene } from "./service.ts";

/** What a Service Bus namespace does to a sender. */
export const busScenarios: readonly Scenario[] = [
  onBus("refused-port", "the service is down for 3 s (connection refused)", {
    async arrange(bus, { begun, stopped }) {
      await begun;
      await sleep(1_000, undefined, { signal: stopped });
      await bus.stop();
      await sleep(3_000, undefined, { signal: stopped });
      await bus.start();
    },
  }),
  onBus("drop-mid-send", "the connection drops while a send is on its way", {
    arrange(bus) {
      bus.faults.every(25, "send", dropConnection({ stored: false }));
    },
  }),
  onBus("throttled", "the namespace is throttled: 50009, please wait 2 seconds", {
    arrange(bus) {
      bus.faults.probability(0.1, "send", serverBusy({ waitSeconds: 2 }));
    },
  }),
  onBus("lost-acknowledgement", "messages are stored, but the acknowledgement never comes", {
    arrange(bus) {
      bus.faults.every(25, "send", loseAcknowledgement({ stored: true }));
    },
  }),
  onBus("token-limit", "60 queues, and a connection may hold 20 authentication tokens", {
    queues: 60,
    namespace: { maxTokensPerConnection: 20 },
  }),
  onBus("burst", "5000 orders at once, each acknowledged after 200 ms", {
    orders: 5_000,
    everyMs: 0,
    namespace: { acknowledgementDelayMs: 200 },
  }),
];

interface BusScenario extends Pick<Scenario, "orders" | "everyMs"> {
  /** How many queues the orders go to in turn. Default 1. */
  readonly queues?: number;
  /** Settings of the simulated namespace. */
  readonly namespace?: Omit<ServiceBusOptions, "queues" | "seed">;
  /** Arranges the faults; called before the first order is sent. */
  readonly arrange?: (bus: ServiceBusSimulator, scene: Scene) => Promise<void> | void;
}

function onBus(name: string, title: string, scenario: BusScenario): Scenario {
  const { queues = 1, namespace = {}, arrange, ...pace } = scenario;
  const start: Scenario["start"] = () => simulatedBus(queues, namespace, arrange);
  return { name, title, service: "service-bus", ...pace, start };
}
