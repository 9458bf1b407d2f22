import {
  HttpTransportType,
  HubConnectionBuilder as OfficialBuilder,
  type HttpClient,
  type HubConnection as OfficialConnection,
  type IHttpConnectionOptions,
  type IHubProtocol,
} from "@microsoft/signalr";
import { hearingClose, type OnServerClose } from "./closing-protocol.ts";
import { wiredEventSource, type EventSourceClass } from "./event-source.ts";
import { wiredWebSocket, type WebSocketClass } from "./web-socket.ts";
import type { Wire } from "./wire.ts";

/** Both are filled in by `build()` with what the platform has, unless the user gave some. */
interface InternalOptions extends IHttpConnectionOptions {
  WebSocket?: WebSocketClass;
  EventSource?: EventSourceClass;
}

/** What the official builder keeps in fields, which its types do not show. A test holds it to that. */
interface BuilderState {
  httpConnectionOptions?: InternalOptions;
  protocol?: IHubProtocol;
  reconnectPolicy?: unknown;
}

/** What the user told the builder, to be told again for each connection. */
export type Blueprint = OfficialBuilder & BuilderState;

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

/** A builder that was told the same, but not to reconnect: that is ours to do. What happens to the one changes nothing in the other. */
export function blueprintOf(builder: OfficialBuilder, url: string): Blueprint {
  const copy: Blueprint = Object.assign(new OfficialBuilder(), builder);
  delete copy.reconnectPolicy;
  // This copies the options too.
  return copy.withUrl(url, {});
}

/** An official connection whose sockets and requests are on the wire. */
export function makeHub(blueprint: Blueprint, making: Making): OfficialConnection {
  const { url, wire, client, isFallback, onServerClose } = making;
  const builder = blueprintOf(blueprint, url);
  const { transport = isFallback ? HttpTransportType.None : HttpTransportType.WebSockets } =
    builder.httpConnectionOptions ?? {};
  builder.withUrl(url, { transport, httpClient: client });
  if (onServerClose) builder.withHubProtocol(hearingClose(builder.protocol, onServerClose));
  const hub = builder.build();
  const { httpConnectionOptions: internal = {} } = builder;
  if (internal.WebSocket) internal.WebSocket = wiredWebSocket(internal.WebSocket, wire);
  if (internal.EventSource) internal.EventSource = wiredEventSource(internal.EventSource, wire);
  return hub;
}
