import {
  HttpTransportType,
  HubConnectionBuilder as OfficialBuilder,
  type HttpClient,
  type HubConnection as OfficialConnection,
  type IHttpConnectionOptions,
  type IHubProtocol,
  type ILogger,
} from "@microsoft/signalr";
import { ClosingProtocol, type OnServerClose } from "./closing-protocol.ts";
import { wiredEventSource, type EventSourceClass } from "./event-source.ts";
import { wiredWebSocket, type WebSocketClass } from "./web-socket.ts";
import type { Wire } from "./wire.ts";

/** What the user told the builder, to be told again to the official builder for each connection. */
export interface Blueprint {
  readonly url: string;
  readonly options: Omit<IHttpConnectionOptions, "transport" | "httpClient">;
  /** The user's own, if any. */
  readonly transport: IHttpConnectionOptions["transport"];
  readonly protocol: IHubProtocol | undefined;
  /** In milliseconds; the official defaults where left out. */
  readonly timeouts: {
    readonly serverTimeoutInMilliseconds?: number;
    readonly keepAliveIntervalInMilliseconds?: number;
  };
  /** Logging and stateful reconnection. */
  readonly steps: readonly ((builder: OfficialBuilder) => unknown)[];
}

/** Read by the official transports; not in its types. A test holds it to that. */
interface InternalOptions {
  logger?: ILogger;
  WebSocket?: WebSocketClass;
  EventSource?: EventSourceClass;
}

/** What differs from one connection to the next. */
export interface Making {
  /** The present address, when the user has changed it. */
  readonly url: string;
  readonly wire: Wire;
  readonly client: HttpClient;
  /** More transports than WebSockets, where the user asked for none in particular. */
  readonly isFallback: boolean;
  /** Hears of a server that closes the connection; left out: nobody asks. */
  readonly onServerClose: OnServerClose | undefined;
}

/** An official connection whose sockets and requests are on the wire. It does not reconnect: that is ours to do. */
export function makeHub(blueprint: Blueprint, making: Making): OfficialConnection {
  const { options, protocol, transport, steps, timeouts } = blueprint;
  const { url, wire, client, isFallback, onServerClose } = making;
  const builder = new OfficialBuilder();
  const chosen = transport ?? (isFallback ? HttpTransportType.None : HttpTransportType.WebSockets);
  builder.withUrl(url, { ...options, transport: chosen, httpClient: client });
  for (const step of steps) step(builder);
  const spoken = onServerClose === undefined ? protocol : new ClosingProtocol(protocol, onServerClose);
  if (spoken !== undefined) builder.withHubProtocol(spoken);
  const hub = Object.assign(builder.build(), timeouts);
  // Filled in by build() with what the platform has, unless the user gave some.
  const internal = internalsOf(builder);
  if (internal?.WebSocket !== undefined) internal.WebSocket = wiredWebSocket(internal.WebSocket, wire);
  if (internal?.EventSource !== undefined) {
    internal.EventSource = wiredEventSource(internal.EventSource, wire);
  }
  return hub;
}

function internalsOf(builder: OfficialBuilder): InternalOptions | undefined {
  return (builder as unknown as { httpConnectionOptions?: InternalOptions }).httpConnectionOptions;
}
