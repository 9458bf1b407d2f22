import type { HeaderSource } from "@holdfast/core";
import type { Wire } from "./wire.ts";

export type WebSocketClass = new (...given: never[]) => WebSocket;

/** What the `ws` package has beyond a browser's WebSocket. */
interface NodeSocket {
  on(
    type: "unexpected-response",
    listener: (request: unknown, response: { statusCode?: number; headers: HeaderSource }) => void,
  ): void;
  on(type: "open" | "close", listener: () => void): void;
  on(type: "error", listener: (error: unknown) => void): void;
  terminate(): void;
}

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
        end(this);
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
      if (isNodeSocket(this)) {
        // Not addEventListener: in `ws` 7 setting onclose, as the official transport does, removes what that added.
        this.on("open", opened);
        this.on("close", closed);
        this.on("error", (error) => {
          tell(() => {
            wire.refused({ step: "connect", error });
          });
        });
        this.on("unexpected-response", (_, { statusCode: status, headers }) => {
          tell(() => {
            wire.refused({ step: "connect", status, headers });
          });
          cut();
        });
      } else {
        this.addEventListener("open", opened);
        this.addEventListener("close", closed);
      }
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

function isNodeSocket(socket: WebSocket): socket is WebSocket & NodeSocket {
  return typeof (socket as Partial<NodeSocket>).on === "function";
}

function end(socket: WebSocket): void {
  if (socket.readyState === socket.CLOSED) return;
  if (isNodeSocket(socket)) socket.terminate();
  else socket.close();
}
