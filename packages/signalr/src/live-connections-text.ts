import type { ConnectionsEvent } from "./events.ts";

/** What to say about too many connections. */
export function manyConnections({ live: count, builtAt }: ConnectionsEvent): string {
  return (
    `${String(count)} SignalR connections are live in this process and none was stopped. Stop those that are no longer ` +
    `used, or share one (sharedHubConnection, withHubConnection). They were built at:\n${builtAt.join("\n\n")}`
  );
}
