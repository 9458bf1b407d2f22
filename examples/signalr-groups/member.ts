import { HubConnectionBuilder, LogLevel, type HubConnection } from "@holdfast/signalr";

/**
 * A member of a room. A connection that comes back has another id and is in no group: the hook asks for the room again
 * after every connection, before anything else goes out, and a connection that did not get in counts as failed.
 */
export function member(url: string, room: string, heard: (text: string) => void): HubConnection {
  const connection = new HubConnectionBuilder()
    .withUrl(`${url}/chat`)
    .configureLogging(LogLevel.None)
    .withResilience({
      rejoin: async (_, { connectionId }) => {
        const response = await fetch(`${url}/rooms/${room}?connection=${connectionId ?? ""}`, {
          method: "POST",
        });
        if (!response.ok) throw new Error(`Not let into ${room}: ${String(response.status)}`);
      },
    })
    .build();
  connection.on("Said", (_room: string, text: string) => {
    heard(text);
  });
  return connection;
}
