import { endSocket, hearSocket } from "#platform";
import type { Wire } from "./wire.ts";

export type WebSocketClass = new (...given: never[]) => WebSocket;

/**
 * The WebSocket of the official client, bounded: it has no connect timeout, shows no status, and a stuck one cannot be
 * ended from outside. `ws` tells the status of a refused upgrade; browsers hide it.
 */
export function wiredWebSocket(Base: WebSocketClass, wire: Wire): WebSocketClass {
  return class WiredWebSocket extends (Base as new (...given: unknown[]) => WebSocket) {
    constructor(...given: unknown[]) {
      super(...given);
      wire.carrier = "WebSockets";
      /** The first that is known about a failure says most: cutting the socket is an error of its own. */
      let isTold = false;
      const tell = (what: () => void): void => {
        if (!isTold) what();
        isTold = true;
      };
      const cut = (): void => {
        endSocket(this);
      };
      const stopTimer = wire.clock.after(wire.connectTimeoutMs, () => {
        tell(() => {
          wire.tooLate("WebSocket");
        });
        cut();
      });
      const opened = (): void => {
        isTold = true;
        stopTimer();
      };
      const done = wire.add({ cut });
      const closed = (): void => {
        stopTimer();
        done();
      };
      hearSocket(this, {
        ...{ opened, closed },
        refused: (refusal) => {
          tell(() => {
            wire.refused({ step: "connect", ...refusal });
          });
        },
      });
      // Behind a socket that the client itself closed, a stateful reconnection would open one that nobody uses or closes.
      // In a moment, because the official client attaches its handlers first.
      if (wire.isClosedByClient) queueMicrotask(cut);
    }

    override close(...given: [number?, string?]): void {
      if (this.readyState === this.OPEN) wire.isClosedByClient = true;
      super.close(...given);
    }
  };
}
