import { setTimeout as sleep } from "node:timers/promises";
import {
  dropConnection,
  loseAcknowledgement,
  serverBusy,
  type ServiceBusSimulator,
} from "@holdfast/simulators/service-bus";

/** One way in which the service fails while orders come in. */
export interface Scenario {
  readonly name: string;
  /** What the service does, for the person who watches. */
  readonly title: string;
  /** Arranges the faults; called before the first order is sent. */
  readonly arrange: (
    bus: ServiceBusSimulator,
    firstSend: Promise<void>,
    stopped: AbortSignal,
  ) => Promise<void> | void;
}

/** The four faults of the first page of every troubleshooting guide. */
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
];
