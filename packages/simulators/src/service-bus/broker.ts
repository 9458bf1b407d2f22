import { randomUUID } from "node:crypto";
import { Timers, type SimulatorClock } from "../clock.ts";
import type { Transport } from "../sockets/wire.ts";
import { FaultScript } from "../faults/fault-script.ts";
import { seededRandom } from "../random.ts";
import type { BrokerConnection } from "./connection.ts";
import { assertPossible, type ServiceBusFaults, type ServiceBusStep } from "./faults.ts";
import { JournalLedgers } from "./journal.ts";
import type { ServiceBusSettings } from "./options.ts";
import { Entities, isWithin, type Node } from "./entities.ts";
import { isReceivable, isSendable, type Destination, type EntityContext } from "./entity.ts";
import { statuses, type EntityStatus } from "./entity-options.ts";
import type { BrokerLink } from "./link.ts";
import { choiceOption } from "./option-checks.ts";
import type { MessageQueue } from "./queue.ts";
import { entityPath } from "./sas-token.ts";
import { conditions } from "./conditions.ts";
import { texts, trackedError, type Tracking } from "./texts.ts";
import { Throttle } from "./throttle.ts";

/** One simulated namespace: its entities, its account of credits, its script and its ledgers. All verbs meet here. */
export class Broker implements EntityContext {
  readonly settings: ServiceBusSettings;
  readonly clock: SimulatorClock;
  readonly timers: Timers;
  readonly faults: FaultScript<ServiceBusFaults>;
  readonly ledgers = new JournalLedgers();
  readonly throttle: Throttle;
  readonly connections = new Set<BrokerConnection>();
  /** The container id of the open frame. */
  readonly containerId = randomUUID().replaceAll("-", "");
  readonly entities: Entities;
  /** When a client last used an entity, in milliseconds since the epoch, by path. */
  readonly accesses = new Map<string, number>();
  #host = "127.0.0.1";
  #nextConnection = 1;
  #nextLink = 1;

  constructor(settings: ServiceBusSettings) {
    this.settings = settings;
    this.clock = settings.clock;
    this.timers = new Timers(settings.clock);
    this.faults = new FaultScript<ServiceBusFaults>(seededRandom(settings.seed), assertPossible);
    this.throttle = new Throttle(settings.credits, () => this.clock.now());
    this.entities = new Entities(this);
    for (const queue of settings.queues) this.entities.createQueue(queue);
    for (const topic of settings.topics) this.entities.createTopic(topic);
  }

  /** Sets the host that error texts print once the port is known. */
  set host(host: string) {
    this.#host = host;
  }

  get host(): string {
    return this.#host;
  }

  /** The queue of that path, subscriptions and dead letters included; case-insensitive. */
  queue(path: string): MessageQueue | undefined {
    return this.node(path)?.queue;
  }

  /** The queue or topic of that name. */
  destination(path: string): Destination | undefined {
    return this.node(path)?.destination;
  }

  /** Where an address leads, or undefined. */
  node(address: string): Node | undefined {
    return this.entities.node(address);
  }

  /** The entity's name as it was configured, for the journal; the address itself when there is no such entity. */
  entityName(address: string): string {
    return this.node(address)?.path ?? entityPath(address);
  }

  /** Lets clients send, receive, both or neither; detaches the links of those who may not any more. */
  setStatus(path: string, status: EntityStatus): void {
    const node = this.node(path);
    const entity = node?.destination ?? node?.queue;
    if (entity === undefined) return;
    entity.settings.status = choiceOption("status", status, statuses);
    const error = trackedError(
      conditions.entityDisabled,
      texts.entityDisabled(this.resource(path)),
      this.tracking(path),
    );
    for (const link of this.linksOf(path)) {
      // Of a topic, this is nothing to the subscriptions.
      if (this.node(link.entity)?.subscription !== undefined && node?.topic !== undefined) continue;
      const mayStay =
        link.role === "send"
          ? isSendable(entity)
          : link.role === "receive"
            ? isReceivable(entity)
            : status !== "Disabled";
      if (!mayStay) link.detach(error);
    }
    node?.queue?.pump();
  }

  /** Deletes an entity and everything below it; its links are detached. */
  deleteEntity(path: string): void {
    const error = trackedError(
      conditions.notFound,
      texts.entityNotFound(this.resource(path)),
      this.tracking(path),
    );
    const links = this.linksOf(path);
    this.entities.delete(path);
    for (const link of links) link.detach(error);
  }

  /** The live links to an entity and to what is below it: dead letters, subscriptions. */
  linksOf(path: string): BrokerLink[] {
    return [...this.connections]
      .flatMap((connection) => [...connection.links])
      .filter(({ entity }) => isWithin(entity, path));
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
  fault<Step extends ServiceBusStep>(
    step: Step,
    entity?: string,
    transport?: Transport,
  ): ServiceBusFaults[Step] | undefined {
    const fault = this.faults.take(step, entity, transport);
    if (fault !== undefined) {
      this.ledgers.faults.add({ at: this.clock.now(), step, entity, kind: fault.kind });
    }
    return fault;
  }
}
