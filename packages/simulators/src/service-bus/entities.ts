import type { Destination } from "./entity.ts";
import type { MessageQueue } from "./queue.ts";
import { entityPath } from "./sas-token.ts";

/** Where an address leads. */
export interface Node {
  /** The entity's name as it was configured. */
  readonly path: string;
  /** What clients send to; undefined for what they only receive from. */
  readonly destination: Destination | undefined;
  /** What clients receive from; undefined for a topic. */
  readonly queue: MessageQueue | undefined;
}

const MANAGEMENT = "/$management";

/** The entities of a namespace by path; case-insensitive. */
export class Entities {
  readonly #nodes = new Map<string, Node>();

  /** Adds a queue or a subscription with what is below it. */
  addQueue(queue: MessageQueue): void {
    this.#add({ path: queue.path, destination: queue.role === "queue" ? queue : undefined, queue });
    for (const below of [queue.deadLetters, queue.transferDeadLetters]) {
      if (below !== undefined) this.#add({ path: below.path, destination: undefined, queue: below });
    }
  }

  /** Takes an entity out, with everything below it. */
  delete(path: string): void {
    const wanted = entityPath(path);
    for (const key of [...this.#nodes.keys()]) {
      if (key === wanted || key.startsWith(`${wanted}/`)) this.#nodes.delete(key);
    }
  }

  /** Where an address leads, or undefined; an entity's `$management` leads to the entity. */
  node(address: string): Node | undefined {
    const path = entityPath(address);
    return this.#nodes.get(path.endsWith(MANAGEMENT) ? path.slice(0, -MANAGEMENT.length) : path);
  }

  #add(node: Node): void {
    this.#nodes.set(node.path.toLowerCase(), node);
  }
}
