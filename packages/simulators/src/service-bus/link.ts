import type { Link } from "./amqp-engine.ts";
import { conditions, type AmqpError } from "./conditions.ts";
import type { BrokerConnection } from "./connection.ts";
import type { Claim } from "./options.ts";
import type { AttachEntry, Place } from "./journal-entries.ts";
import { texts, trackedError } from "./texts.ts";

/** A claim on a path. */
export interface Right {
  readonly claim: Claim;
  readonly path: string;
}

/** A client's link, from its attach to its end. */
export class BrokerLink {
  /** Counts from 1 over the life of the simulator. */
  readonly id: number;
  readonly connection: BrokerConnection;
  readonly engine: Link;
  /** Name of the entity it leads to; `$cbs` for the token node. */
  readonly entity: string;
  /** The right it was attached by; undefined for the token node, which needs none. */
  readonly right: Right | undefined;
  /** What the client does on it; undefined for the token node. */
  readonly role: AttachEntry["role"] | undefined;
  /** Connected, and that is all: it delivers nothing, gives no credit, answers no request. */
  isDeaf = false;
  #lastUsed: number;
  #cancelIdleWatch: () => void = () => undefined;
  #ended = false;
  #whenEnded: () => void = () => undefined;

  constructor(
    connection: BrokerConnection,
    engine: Link,
    entity: string,
    role?: AttachEntry["role"],
    right?: Right,
  ) {
    this.id = connection.broker.nextLinkId();
    this.connection = connection;
    this.engine = engine;
    this.entity = entity;
    this.role = role;
    this.right = right;
    this.#lastUsed = connection.broker.clock.now();
    connection.add(this);
    if (role !== undefined) this.#watchIdleness();
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** For journal entries. */
  get place(): Place {
    return { connection: this.connection.id, link: this.id, linkName: this.engine.name };
  }

  /** A message, a settlement or a request has passed. */
  touch(): void {
    const { accesses, clock } = this.connection.broker;
    this.#lastUsed = clock.now();
    if (this.role !== undefined) accesses.set(this.entity, clock.wallNow());
  }

  /** What to give back when the link ends, by whatever end. */
  whenEnded(release: () => void): void {
    this.#whenEnded = release;
  }

  /** The service detaches the link with an error. AMQP 2.6.6. */
  detach(error: AmqpError): void {
    if (this.#ended) return;
    this.engine.close(error);
    this.end("service", error.condition);
  }

  /** Takes the link out of the broker; writes nothing to the client. */
  end(by: "client" | "service" | "connection", condition?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelIdleWatch();
    this.connection.remove(this);
    if (by !== "connection") {
      const { broker } = this.connection;
      broker.ledgers.detaches.add({
        at: broker.clock.now(),
        ...this.place,
        entity: this.entity,
        by,
        ...(condition === undefined ? {} : { condition }),
      });
    }
    this.#whenEnded();
  }

  #watchIdleness(): void {
    const { broker } = this.connection;
    const { idleLinkTimeoutMs } = broker.settings;
    if (idleLinkTimeoutMs === Infinity) return;
    const leftMs = this.#lastUsed + idleLinkTimeoutMs - broker.clock.now();
    if (leftMs > 0) {
      this.#cancelIdleWatch = broker.timers.after(leftMs, () => {
        this.#watchIdleness();
      });
      return;
    }
    const text = texts.idleLink(this.role, idleLinkTimeoutMs);
    this.detach(trackedError(conditions.detachForced, text, broker.tracking(this.entity)));
  }
}
