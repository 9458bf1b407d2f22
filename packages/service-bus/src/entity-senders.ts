import type { ServiceBusSenderOptions } from "@azure/service-bus";
import { Coalescer } from "./coalescer.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import type { Resilience } from "./resilience.ts";
import { SenderLink } from "./sender-link.ts";

/** What the senders of one entity share. */
export interface EntitySender {
  readonly link: SenderLink;
  readonly coalescer: Coalescer;
  /** Senders that use it. */
  users: number;
}

/**
 * One link for all senders of an entity: each official one would open a link and take a token of its own (SB-18,
 * SBC-079). A sender with an identifier of its own gets a link of its own, because the service sees it there.
 */
export class EntitySenders {
  readonly #pool: ConnectionPool;
  readonly #resilience: Resilience;
  readonly #shared = new Map<string, EntitySender>();
  readonly #all = new Set<EntitySender>();

  constructor(pool: ConnectionPool, resilience: Resilience) {
    this.#pool = pool;
    this.#resilience = resilience;
  }

  /** Give it back with {@link release}. @throws what the official createSender throws. */
  acquire(entityPath: string, options: ServiceBusSenderOptions): EntitySender {
    const found = options.identifier === undefined ? this.#shared.get(entityPath) : undefined;
    const entity = found ?? this.#make(entityPath, options);
    entity.users += 1;
    return entity;
  }

  /** Closes the link when its last user is gone. */
  async release(entity: EntitySender): Promise<void> {
    entity.users -= 1;
    if (entity.users > 0) return;
    const { entityPath } = entity.link;
    if (this.#shared.get(entityPath) === entity) this.#shared.delete(entityPath);
    this.#all.delete(entity);
    await entity.link.close();
  }

  /** Closes all links, where their connections stay. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ link }) => link.close()));
  }

  /** Ends all links; their connections are closed by the pool. */
  end(): void {
    for (const { link } of this.#all) link.end();
  }

  #make(entityPath: string, options: ServiceBusSenderOptions): EntitySender {
    const link = new SenderLink(this.#pool, entityPath, options, this.#resilience);
    const entity = { link, coalescer: new Coalescer(link, this.#resilience), users: 0 };
    if (options.identifier === undefined) this.#shared.set(entityPath, entity);
    this.#all.add(entity);
    return entity;
  }
}
