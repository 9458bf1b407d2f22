import { busScenarios } from "./bus-scenarios.ts";
import { hubScenarios } from "./hub-scenarios.ts";
import { signalrScenarios } from "./signalr-scenarios.ts";
import type { Service } from "./service.ts";
import type { ServiceName } from "./work.ts";

/** One way in which a service fails while orders come in. */
export interface Scenario {
  readonly name: string;
  /** What the service does, for the person who watches. */
  readonly title: string;
  readonly service: ServiceName;
  /** How many orders come in. Default 100. */
  readonly orders?: number;
  /** Time between two orders, in milliseconds. Default 50. */
  readonly everyMs?: number;
  /** A service of its own for one client. */
  readonly start: () => Promise<Service>;
}

/** What the first pages of the troubleshooting guides are about. */
export const scenarios: readonly Scenario[] = [...busScenarios, ...hubScenarios, ...signalrScenarios];
