import type { Dispatcher } from "./dispatcher.ts";
import { hubCallClients } from "./hub-clients.ts";
import type { HubSession } from "./hub-session.ts";
import type { HubCall } from "./hub.ts";

/** What a hub method gets to know. @param items - the connection's, kept for its life */
export function hubCall(
  session: HubSession,
  dispatcher: Dispatcher,
  items: Map<string, unknown>,
  signal: () => AbortSignal,
): HubCall {
  const { hub, connection } = session;
  const { identity } = connection.beginning;
  return {
    connectionId: connection.id,
    userId: identity.userId,
    claims: identity.claims ?? {},
    transport: connection.entry?.transport,
    protocol: session.protocol?.name,
    request: connection.request,
    items,
    groups: hub.groups,
    // Most methods need neither.
    get clients() {
      const clients = hubCallClients(hub.audience, connection.id);
      return {
        ...clients,
        caller: {
          send: (method: string, ...args: readonly unknown[]) => {
            clients.caller.send(method, ...args);
          },
          invoke: async (method: string, ...args: readonly unknown[]) => {
            dispatcher.assertMayWait();
            return session.invokeClient(method, args);
          },
        },
      };
    },
    get signal() {
      return signal();
    },
    abort: () => {
      session.close();
    },
  };
}
