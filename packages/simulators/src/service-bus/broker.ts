import { randomUUID } from "node:crypto";
import { Timers, type SimulatorClock } from "../clock.ts";
import { FaultScript } from "../faults/fault-script.ts";
import { seededRandom } from "../random.ts";
import type { BrokerConnection } from "./connection.ts";
import { assertPossible, type ServiceBusFaults, type ServiceBusStep } from "./faults.ts";
import { JournalLedgers } from "./journal.ts";
import type { ServiceBusSettings } from "./options.ts";
import { MessageQueue } from "./queue.ts";
import { entityPath } from "./sas-token.ts";
import type { Tracking } from "./texts.ts";
import { Throttle } from "./throttle.ts";

/** Where an address leads. */
export interface Node {
  readonly queue: MessageQueue;
  /** True for the `$management` node of the queue. */
  readonly management: boolean;
}

/** One simulated namespace: its entities, its account of credits, its script and its ledgers. All verbs meet here. */
export class Broker {
  readonly settings: ServiceBusSettings;
  readonly clock: SimulatorClock;
  readonly timers: Timers;
  readonly faults: FaultScript<ServiceBusFaults>;
  readonly ledgers = new JournalLedgers();
  readonly throttle: Throttle;
  readonly connections = new Set<BrokerConnection>();
  /** The container id of the open frame. */
  readonly containerId = randomUUID().replaceAll("-", "");
  readonly #queues = new Map<string, MessageQueue>();
  #host = "127.0.0.1";
  #nextConnection = 1;
  #nextLink = 1;

  constructor(settings: ServiceBusSettings) {
    this.settings = settings;
    this.clock = settings.clock;
    this.timers = new Timers(settings.clock);
    this.faults = new FaultScript<ServiceBusFaults>(seededRandom(settings.seed), assertPossible);
    this.throttle = new Throttle(settings.credits, () => this.clock.now());
    for (const queue of settings.queues) this.addQueue(new MessageQueue(queue, this));
  }

  /** Sets the host that error texts print once the port is known. */
  set host(host: string) {
    this.#host = host;
  }

  addQueue(queue: MessageQueue): void {
    this.#queues.set(queue.path.toLowerCase(), queue);
    if (queue.deadLetters !== undefined)
      this.#queues.set(queue.deadLetters.path.toLowerCase(), queue.deadLetters);
  }

  /** The queue of that path, dead-letter queues included; case-insensitive. */
  queue(path: string): MessageQueue | undefined {
    return this.#queues.get(entityPath(path));
  }

  /** Where an address leads, or undefined. */
  node(address: string): Node | undefined {
    const path = entityPath(address);
    const management = path.endsWith("/$management");
    const queue = this.#queues.get(management ? path.slice(0, -"/$management".length) : path);
    return queue === undefined ? undefined : { queue, management };
  }

  /** The entity's name as it was configured, for the journal; the address itself when there is no such entity. */
  entityName(address: string): string {
    return this.node(address)?.queue.path ?? entityPath(address);
  }

  nextConnectionId(): number {
    return this.#nextConnection++;
  }

  nextLinkId(): number {
    return this.#nextLink++;
  }

  /** `sb://host/entity`, as error texts print it. */
  resource(path: string): string {
    return `sb://${this.#host}/${path}`;
  }

  /** The tracking part of an error text about an entity. */
  tracking(entity?: string): Tracking {
    return {
      system: entity === undefined ? "NoSystemTracker" : `${this.#host}:${entity}`,
      at: this.clock.wallNow(),
    };
  }

  /** Asks the script about one event, and writes down when it strikes. */
  fault<Step extends ServiceBusStep>(step: Step, entity?: string): ServiceBusFaults[Step] | undefined {
    const fault = this.faults.take(step, entity);
    if (fault !== undefined) {
      this.ledgers.faults.add({ at: this.clock.now(), step, entity, kind: fault.kind });
    }
    return fault;
  }
}
