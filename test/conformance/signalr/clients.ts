import {
  HttpTransportType,
  HubConnectionBuilder as OfficialBuilder,
  JsonHubProtocol,
  LogLevel,
  type HubConnection,
  type IHubProtocol,
} from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import { HubConnectionBuilder } from "@holdfast/signalr";

/** How a connection is carried and what is spoken on it. */
export interface Carriage {
  readonly title: string;
  readonly transport: HttpTransportType;
  protocol(): IHubProtocol;
  readonly isBinary: boolean;
}

const { LongPolling, ServerSentEvents, WebSockets } = HttpTransportType;
const json = { protocol: () => new JsonHubProtocol(), isBinary: false };
const messagePack = { protocol: () => new MessagePackHubProtocol(), isBinary: true };

/** Server-sent events carry text alone: with MessagePack neither client connects. */
export const carriages: readonly Carriage[] = [
  { title: "WebSockets, JSON", transport: WebSockets, ...json },
  { title: "WebSockets, MessagePack", transport: WebSockets, ...messagePack },
  { title: "server-sent events, JSON", transport: ServerSentEvents, ...json },
  { title: "long polling, JSON", transport: LongPolling, ...json },
  { title: "long polling, MessagePack", transport: LongPolling, ...messagePack },
];

/** A client as its users have it. */
export interface Client {
  readonly name: "bare" | "wrapped";
  build(url: string, carriage: Carriage): HubConnection;
}

const builders = [
  ["bare", OfficialBuilder],
  ["wrapped", HubConnectionBuilder],
] as const;

/** The same code on both: only the builder differs. */
export const clients: readonly Client[] = builders.map(([name, Builder]) => ({
  name,
  build: (url, { transport, protocol }) =>
    new Builder()
      .configureLogging(LogLevel.None)
      .withUrl(url, { transport })
      .withHubProtocol(protocol())
      .build(),
}));
