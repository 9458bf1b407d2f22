import type { Connection } from "./connection.ts";
import type { EndedBy } from "./journal-entries.ts";
import type { RequestView } from "./options.ts";

/** A connection without hub protocol: what ASP.NET Core's connection handlers serve. */
export interface RawConnection {
  readonly connectionId: string;
  readonly userId: string | undefined;
  /** The request that opened it. */
  readonly request: RequestView;
  /** Calls back with what arrives; `binary` says which kind of WebSocket frame it came in. */
  onReceive(listener: (data: Buffer, binary: boolean) => void): void;
  onEnd(listener: (by: EndedBy) => void): void;
  /** Strings go as text, bytes as binary. */
  send(data: string | Uint8Array): void;
  /** Ends it in an orderly way. */
  close(): void;
}

/** Serves a raw connection. */
export type RawHandler = (connection: RawConnection) => void;

/** Sends back whatever arrives, as ASP.NET Core's `EchoConnectionHandler` does. */
export const echo: RawHandler = (connection) => {
  connection.onReceive((data, binary) => {
    connection.send(binary ? data : data.toString());
  });
};

/** The handler's view of a connection. */
export function rawConnection(connection: Connection): RawConnection {
  const { identity } = connection.beginning;
  return {
    connectionId: connection.id,
    userId: identity.userId,
    request: connection.request,
    onReceive: (listener) => {
      connection.onReceive = listener;
    },
    onEnd: (listener) => {
      connection.onEnd = listener;
    },
    send: (data) => {
      connection.send(typeof data === "string" ? data : Buffer.from(data));
    },
    close: () => {
      connection.end("server");
    },
  };
}
