import type { Wire } from "./wire.ts";

export type EventSourceClass = new (...given: never[]) => EventSource;

/**
 * The EventSource of the official client, bounded. One that fails before it opens goes on trying by itself although the
 * official client has given it up, so it is closed here.
 */
export function wiredEventSource(Base: EventSourceClass, wire: Wire): EventSourceClass {
  return class WiredEventSource extends (Base as new (...given: unknown[]) => EventSource) {
    #done = (): void => undefined;
    #stopTimer = (): void => undefined;

    constructor(...given: unknown[]) {
      super(...given);
      wire.carrier = "ServerSentEvents";
      let isOpen = false;
      this.#done = wire.add({
        cut: () => {
          this.close();
        },
      });
      this.#stopTimer = wire.clock.after(wire.connectTimeoutMs, () => {
        wire.tooLate("event stream");
        // Closing it tells nobody; the official client waits for this.
        const { onerror } = this;
        this.close();
        onerror?.call(this, { type: "error" } as Event);
      });
      // In a moment: in the package for Node, setting onerror as the official transport does removes all listeners.
      queueMicrotask(() => {
        this.addEventListener("open", () => {
          isOpen = true;
          this.#stopTimer();
        });
        this.addEventListener("error", (event) => {
          if (isOpen) return;
          // The package for Node tells the status, browsers do not.
          const { status } = event as { status?: number };
          if (status !== undefined) wire.refused({ step: "connect", status });
          this.close();
        });
      });
    }

    override close(): void {
      this.#stopTimer();
      this.#done();
      super.close();
    }
  };
}
