import {
  HttpTransportType,
  HubConnectionBuilder,
  LogLevel,
  type HubConnection,
  type IHttpConnectionOptions,
} from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";

/** How the official client talks. */
export interface Wire {
  readonly transport: "WebSockets" | "ServerSentEvents" | "LongPolling";
  readonly protocol: "json" | "messagepack";
}

/** Every pair that exists: server-sent events carry text only. */
export const wires: readonly Wire[] = [
  { transport: "WebSockets", protocol: "json" },
  { transport: "WebSockets", protocol: "messagepack" },
  { transport: "ServerSentEvents", protocol: "json" },
  { transport: "LongPolling", protocol: "json" },
  { transport: "LongPolling", protocol: "messagepack" },
];

/** The bare official client, not started. */
export function officialClient(
  url: string,
  wire: Partial<Wire> = {},
  options: IHttpConnectionOptions = {},
  also: (builder: HubConnectionBuilder) => HubConnectionBuilder = (builder) => builder,
): HubConnection {
  const builder = new HubConnectionBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(url, { transport: HttpTransportType[wire.transport ?? "WebSockets"], ...options });
  if (wire.protocol === "messagepack") builder.withHubProtocol(new MessagePackHubProtocol());
  return also(builder).build();
}

/** {@link officialClient}, started. */
export async function connected(...args: Parameters<typeof officialClient>): Promise<HubConnection> {
  const connection = officialClient(...args);
  await connection.start();
  return connection;
}

/** Resolves with what the connection's `onclose` is given. */
export function closed(connection: HubConnection): Promise<Error | undefined> {
  return new Promise((resolve) => {
    connection.onclose(resolve);
  });
}

/** The next call of a method that the server calls. */
export function called(connection: HubConnection, method: string): Promise<unknown[]> {
  return new Promise((resolve) => {
    connection.on(method, (...args: unknown[]) => {
      resolve(args);
    });
  });
}

/** Everything a stream yields; rejects with its error. */
export function collected<T>(stream: ReturnType<HubConnection["stream"]>, enough = Infinity): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const items: T[] = [];
    const subscription = stream.subscribe({
      next: (item: T) => {
        items.push(item);
        if (items.length < enough) return;
        subscription.dispose();
        resolve(items);
      },
      complete: () => {
        resolve(items);
      },
      error: reject,
    });
  });
}
