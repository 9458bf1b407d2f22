import type { HubSession } from "./hub-session.ts";
import { HubException } from "./hub-error.ts";
import type { InvocationMessage } from "./protocol/messages.ts";

/** Some of a hub's clients. */
export interface ClientProxy {
  /** Calls a method at each of them, without waiting for anything. */
  send(method: string, ...args: readonly unknown[]): void;
}

/** One client. */
export interface SingleClientProxy extends ClientProxy {
  /** Calls a method and waits for what it returns. */
  invoke(method: string, ...args: readonly unknown[]): Promise<unknown>;
}

/** A hub's clients, addressed as ASP.NET Core's `IHubClients` does. */
export interface HubClients {
  readonly all: ClientProxy;
  allExcept(connectionIds: readonly string[]): ClientProxy;
  client(connectionId: string): SingleClientProxy;
  clients(connectionIds: readonly string[]): ClientProxy;
  group(name: string): ClientProxy;
  groupExcept(name: string, connectionIds: readonly string[]): ClientProxy;
  user(userId: string): ClientProxy;
}

/** The clients as a hub method sees them. */
export interface HubCallClients extends HubClients {
  readonly caller: SingleClientProxy;
  readonly others: ClientProxy;
  othersInGroup(name: string): ClientProxy;
}

/** Who is connected and who is in which group. */
export interface Audience {
  sessions(): Iterable<HubSession>;
  session(connectionId: string): HubSession | undefined;
  inGroup(name: string): HubSession[];
}

/** Sends one message to many, encoded once for each protocol. */
function deliver(sessions: Iterable<HubSession>, message: InvocationMessage): void {
  const encoded = new Map<string, string | Buffer>();
  for (const session of sessions) {
    const { protocol } = session;
    if (protocol === undefined) continue;
    let payload = encoded.get(protocol.name);
    if (payload === undefined) {
      payload = protocol.write(message);
      encoded.set(protocol.name, payload);
    }
    session.send(message, payload);
  }
}

/** Addresses clients of an audience. */
export function hubClients(audience: Audience): HubClients {
  const proxy = (sessions: () => Iterable<HubSession>): ClientProxy => ({
    send: (target, ...args) => {
      deliver(sessions(), { type: 1, target, arguments: args });
    },
  });
  const only = (connectionIds: readonly string[]): HubSession[] =>
    connectionIds.map((id) => audience.session(id)).filter((session) => session !== undefined);
  const except = (sessions: Iterable<HubSession>, connectionIds: readonly string[]): HubSession[] =>
    [...sessions].filter((session) => !connectionIds.includes(session.connection.id));
  return {
    all: proxy(() => audience.sessions()),
    allExcept: (ids) => proxy(() => except(audience.sessions(), ids)),
    client: (id) => ({
      ...proxy(() => only([id])),
      invoke: async (target, ...args) => {
        const session = audience.session(id);
        if (session === undefined) throw new HubException(`Connection '${id}' does not exist.`);
        return session.invokeClient(target, args);
      },
    }),
    clients: (ids) => proxy(() => only(ids)),
    group: (name) => proxy(() => audience.inGroup(name)),
    groupExcept: (name, ids) => proxy(() => except(audience.inGroup(name), ids)),
    user: (userId) =>
      proxy(() =>
        [...audience.sessions()].filter((session) => session.connection.beginning.identity.userId === userId),
      ),
  };
}

/** {@link hubClients}, and those that are relative to the caller. */
export function hubCallClients(audience: Audience, connectionId: string): HubCallClients {
  const clients = hubClients(audience);
  return {
    ...clients,
    caller: clients.client(connectionId),
    others: clients.allExcept([connectionId]),
    othersInGroup: (name) => clients.groupExcept(name, [connectionId]),
  };
}
