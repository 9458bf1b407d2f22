import type { HubConnection as OfficialConnection } from "@microsoft/signalr";
import type { Wire } from "./wire.ts";

/** One official connection, from its start to its end. It is never started twice: whatever is stuck in it goes with it. */
export class Session {
  readonly hub: OfficialConnection;
  readonly wire: Wire;
  /** True once it was lost, given up or closed. */
  isOver = false;
  /** Calls under way, where they are counted. */
  #calls = 0;
  #onQuiet: (() => void) | undefined;

  constructor(hub: OfficialConnection, wire: Wire) {
    this.hub = hub;
    this.wire = wire;
  }

  /**
   * Connects. Only {@link abandon} ends it early.
   *
   * @param lost - called when the connection ends, or is found dead, whoever ended it.
   * @throws the official client's error, with what the wire saw bound to it.
   */
  async open(lost: (error: unknown) => void): Promise<void> {
    const { hub, wire } = this;
    wire.onDead = lost;
    hub.onclose((error) => {
      wire.explain(error);
      lost(error);
    });
    try {
      await hub.start();
      wire.isEstablished = true;
      wire.explain(undefined); // What was refused on the way, to a transport that was not available, is past.
    } catch (error) {
      wire.explain(error);
      throw error;
    }
  }

  /** An orderly end, with a last word to the server; what it leaves open is cut a moment later. */
  async close(): Promise<void> {
    this.isOver = true;
    const stopped = this.hub.stop();
    this.wire.linger();
    await stopped;
  }

  /** Ends it without another word. */
  abandon(): void {
    this.isOver = true;
    this.wire.cut();
    this.hub.stop().catch(() => undefined);
  }

  /** Counts a call until it settles. */
  async during<T>(call: Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      return await call;
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#onQuiet?.();
    }
  }

  /** Calls back once no counted call is under way. */
  whenQuiet(then: () => void): void {
    if (this.#calls === 0) then();
    else this.#onQuiet = then;
  }
}
