import type { ReceiverLink } from "./receiver-link.ts";

/** Links that bring no more messages: each stays until what came on it is settled, and is closed then. */
export class RetiredLinks {
  readonly #links = new Set<ReceiverLink>();
  readonly #settled: (link: ReceiverLink) => void;

  /** @param settled - what to do with one on which nothing waits any more. Default: it is closed. */
  constructor(settled: (link: ReceiverLink) => void = (link) => void link.close()) {
    this.#settled = settled;
  }

  get size(): number {
    return this.#links.size;
  }

  has(link: ReceiverLink): boolean {
    return this.#links.has(link);
  }

  /** Resolves when it has been stopped. */
  async add(link: ReceiverLink): Promise<void> {
    this.#links.add(link);
    await link.stop();
    this.settled(link);
  }

  /** All that came on this link has been settled; nothing for one that is not retired. */
  settled(link: ReceiverLink): void {
    if (link.isSettled && this.#links.delete(link)) this.#settled(link);
  }

  lost(link: ReceiverLink): void {
    this.#links.delete(link);
  }

  async close(): Promise<void> {
    const links = [...this.#links];
    this.#links.clear();
    await Promise.all(links.map((link) => link.close()));
  }
}
