import type { ServiceBusClient } from "@azure/service-bus";

/** The way from an official client to its socket. Private there: a test fails when a version changes it. */
interface Private {
  readonly _connectionContext?: {
    refreshConnection?(): void;
    readonly connection?: Connection;
  };
}

interface Connection {
  open?(): Promise<unknown>;
  /** The engine's. */
  readonly _connection?: {
    once?(event: "connection_open" | "connection_close" | "disconnected", heard: () => void): void;
    readonly socket?: { destroyed?: boolean; destroy?(error: Error): void; end?(): void };
  };
}

/**
 * Calls `lost` when a connection of an official client ends that was open, in the turn in which its end is heard. What begins then,
 * until the client has put another in its place, would open the former one a second time, on a socket that answers nobody,
 * that it waits for in vain, and that nobody closes; of such a socket nothing is left once the other is there. Like all of
 * this file it reaches past the public API, and does nothing when there is nothing to be found.
 */
export function watchConnection(client: ServiceBusClient, lost: () => void): void {
  const context = (client as unknown as Private)._connectionContext;
  const refresh = context?.refreshConnection?.bind(context);
  if (context === undefined || refresh === undefined) return;
  const watch = (): void => {
    const engine = context.connection?._connection;
    engine?.once?.("connection_open", () => {
      engine.once?.("connection_close", lost);
      engine.once?.("disconnected", lost);
    });
  };
  watch();
  context.refreshConnection = () => {
    const former = context.connection;
    refresh();
    if (former !== undefined) seal(former, "ECONNRESET: the connection was replaced.");
    watch();
  };
}

/** It opens no more, and its socket ends. */
function seal(connection: Connection, why: string): void {
  connection.open = () => Promise.reject(new Error(why));
  destroySocket(connection, why);
}

/**
 * Destroys the socket of a connection that was closed and whose service did not answer. The public `close()` leaves
 * the socket and its timers behind then, and the process could not end by itself: not for minutes, or never.
 */
function destroySocket({ _connection }: Connection, why: string): void {
  const socket = _connection?.socket;
  if (socket === undefined || socket.destroyed === true) return;
  // An error, because rhea stops its timers on `error` and not on `close`. A WebSocket can only be asked to end.
  if (socket.destroy === undefined) socket.end?.();
  else socket.destroy(new Error(why));
}

/**
 * Keeps an official client that was closed from connecting again, and ends the connection it may have. What nobody waits for any
 * more, and cannot be aborted (a lock's renewal), would open another after its retry, which nobody would close.
 */
export function sealClient(client: ServiceBusClient): void {
  const context = (client as unknown as Private)._connectionContext;
  if (context?.connection === undefined) return;
  context.refreshConnection = () => undefined;
  seal(context.connection, "ECONNABORTED: the client was closed.");
}
