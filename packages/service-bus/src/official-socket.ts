import type { ServiceBusClient } from "@azure/service-bus";

/** The way from an official client to its socket. Private there: a test fails when a version changes it. */
interface Private {
  readonly _connectionContext?: {
    refreshConnection?(): void;
    readonly connection?: {
      open?(): Promise<unknown>;
      readonly _connection?: {
        readonly socket?: { destroyed?: boolean; destroy?(error: Error): void; end?(): void };
      };
    };
  };
}

/**
 * Destroys the socket of an official client that was closed and whose service did not answer. The public `close()` leaves
 * the socket and its timers behind then, and the process could not end by itself: not for minutes, or never. It
 * reaches past the public API, and is harmless when there is nothing to be found.
 */
function destroySocket(client: ServiceBusClient): void {
  const socket = (client as unknown as Private)._connectionContext?.connection?._connection?.socket;
  if (socket === undefined || socket.destroyed === true) return;
  // An error, because rhea stops its timers on `error` and not on `close`. A WebSocket can only be asked to end.
  if (socket.destroy === undefined) socket.end?.();
  else socket.destroy(new Error("ECONNABORTED: the client was closed."));
}

/**
 * Keeps an official client that was closed from connecting again, and ends the connection it may have. What nobody waits for any
 * more, and cannot be aborted (a lock's renewal), would open another after its retry, which nobody would close.
 */
export function sealClient(client: ServiceBusClient): void {
  const context = (client as unknown as Private)._connectionContext;
  if (context?.connection !== undefined) {
    context.refreshConnection = () => undefined;
    context.connection.open = () => Promise.reject(new Error("The client was closed."));
  }
  destroySocket(client);
}
