import type { HeaderSource } from "@holdfast/core";

/** What a socket tells of its life. */
export interface SocketEvents {
  readonly opened: () => void;
  readonly closed: () => void;
  /** Refused, with as much as is known of why. */
  readonly refused: (refusal: {
    readonly status?: number | undefined;
    readonly headers?: HeaderSource;
    readonly error?: unknown;
  }) => void;
}

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

/** Listens to a socket. `ws` tells why an upgrade failed; browsers, and Node's own WebSocket, do not. */
export function hearSocket(socket: WebSocket, { opened, closed, refused }: SocketEvents): void {
  if (!isNodeSocket(socket)) {
    socket.addEventListener("open", opened);
    socket.addEventListener("close", closed);
    return;
  }
  // Not addEventListener: in `ws` 7 setting onclose, as the official transport does, removes what that added.
  socket.on("open", opened);
  socket.on("close", closed);
  socket.on("error", (error) => {
    refused({ error });
  });
  socket.on("unexpected-response", (_, { statusCode: status, headers }) => {
    refused({ status, headers });
    endSocket(socket);
  });
}

/** Ends a socket, whatever it is waiting for. */
export function endSocket(socket: WebSocket): void {
  if (socket.readyState === socket.CLOSED) return;
  if (isNodeSocket(socket)) socket.terminate();
  else socket.close();
}

function isNodeSocket(socket: WebSocket): socket is WebSocket & NodeSocket {
  return typeof (socket as Partial<NodeSocket>).on === "function";
}
