import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBusClient as OfficialClient, ServiceBusReceivedMessage } from "@azure/service-bus";
import { ServiceBusClient } from "@holdfast/service-bus";

/** Takes the messages of sessions, so many at once, each in order, until it is closed. */
export interface SessionTaker {
  close(): Promise<void>;
}

// A session without messages for so long is given back, in milliseconds.
const idleMs = 1_000;

type Handle = (message: ServiceBusReceivedMessage, signal?: AbortSignal) => Promise<void>;

/** Ours by its session processor; the official client has none, so what its samples do, in a loop. */
export function takeSessions(
  client: OfficialClient,
  entity: string,
  sessions: number,
  handle: Handle,
): SessionTaker {
  if (client instanceof ServiceBusClient) {
    const processor = client.createSessionProcessor(
      entity,
      (message, { signal }) => handle(message, signal),
      {
        sessions,
        idleTimeoutMs: idleMs,
      },
    );
    return { close: () => processor.stop() };
  }
  const state = { isClosed: false };
  const loops = Array.from({ length: sessions }, async () => {
    while (!state.isClosed) await oneSession(client, entity, handle, state).catch(() => sleep(100));
  });
  return {
    close: async () => {
      state.isClosed = true;
      await Promise.all(loops);
    },
  };
}

async function oneSession(
  client: OfficialClient,
  entity: string,
  handle: Handle,
  state: { readonly isClosed: boolean },
): Promise<void> {
  const receiver = await client.acceptNextSession(entity);
  try {
    while (!state.isClosed) {
      const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: idleMs });
      if (message === undefined) return;
      await handle(message);
      await receiver.completeMessage(message);
    }
  } finally {
    await receiver.close();
  }
}
