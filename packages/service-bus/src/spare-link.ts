import type { ReceiverLink } from "./receiver-link.ts";

/**
 * The link that a subscription left behind when it was stopped: the next one goes on with it, as with the official client. To
 * open another takes a session, a link and a token, each a round trip.
 */
export class SpareLink {
  #link: ReceiverLink | undefined;
  #isClosed = false;

  /** Keeps a link that is stopped, with all that came on it settled, in place of a former one. */
  keep(link: ReceiverLink): void {
    const isFit = !this.#isClosed && link.isOpen && link.isCurrent;
    const former = isFit ? this.#link : link;
    if (isFit) this.#link = link;
    void former?.close();
  }

  /** The spare link, if there is one that asks for so many messages at once. */
  take(credits: number): ReceiverLink | undefined {
    const link = this.#link;
    this.#link = undefined;
    if (link === undefined) return undefined;
    if (link.isOpen && link.isCurrent && !link.isGone && link.credits === credits) return link;
    void link.close();
    return undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const link = this.#link;
    this.#link = undefined;
    await link?.close();
  }
}
