import { setTimeout as sleep } from "node:timers/promises";
import {
  dropConnection,
  loseAcknowledgement,
  serverBusy,
  type ServiceBusOptions,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";

/** One way in which the service fails while orders come in. */
export interface Scenario {
  readonly name: string;
  /** What the service does, for the person who watches. */
  readonly title: string;
  /** How many orders come in. Default 100. */
  readonly orders?: number;
  /** Time between two orders, in milliseconds. Default 50. */
  readonly everyMs?: number;
  /** How many queues they go to in turn. Default 1. */
  readonly queues?: number;
  /** Settings of the simulated namespace. */
  readonly namespace?: Omit<ServiceBusOptions, "queues" | "seed">;
  /** Arranges the faults; called before the first order is sent. */
  readonly arrange?: (
    bus: ServiceBusSimulator,
    firstSend: Promise<void>,
    stopped: AbortSignal,
  ) => Promise<void> | void;
}

/** What the first pages of the troubleshooting guides are about. */
export const scenarios: readonly Scenario[] = [
  {
    name: "refused-port",
    title: "the service is down for 3 s (connection refused)",
    async arrange(bus, firstSend, stopped) {
      await firstSend;
      await sleep(1_000, undefined, { signal: stopped });
      await bus.stop();
      await sleep(3_000, undefined, { signal: stopped });
      await bus.start();
    },
  },
  {
    name: "drop-mid-send",
    title: "the connection drops while a send is on its way",
    arrange(bus) {
      bus.faults.every(25, "send", dropConnection({ stored: false }));
    },
  },
  {
    name: "throttled",
    title: "the namespace is throttled: 50009, please wait 2 seconds",
    arrange(bus) {
      bus.faults.probability(0.1, "send", serverBusy({ waitSeconds: 2 }));
    },
  },
  {
    name: "lost-acknowledgement",
    title: "messages are stored, but the acknowledgement never comes",
    arrange(bus) {
      bus.faults.every(25, "send", loseAcknowledgement({ stored: true }));
    },
  },
  {
    name: "token-limit",
    title: "60 queues, and a connection may hold 20 authentication tokens",
    queues: 60,
    namespace: { maxTokensPerConnection: 20 },
  },
  {
    name: "burst",
    title: "5000 orders at once, each acknowledged after 200 ms",
    orders: 5_000,
    everyMs: 0,
    namespace: { acknowledgementDelayMs: 200 },
  },
];
