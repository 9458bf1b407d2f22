import type { ServiceBusClient } from "@azure/service-bus";
import type { Clock } from "@holdfast/core";
import { withinTime } from "./connection-pool.ts";
import type { SessionArguments } from "./session-arguments.ts";

// As in link-opening.ts: a connection that says nothing is given up early, and later each time.
const firstPatienceMs = 4_000;

/** What a watch looks at. */
export interface WatchedAccept {
  readonly client: ServiceBusClient;
  readonly given: SessionArguments;
  readonly clock: Clock;
  /** Attempts before that had no answer. */
  readonly unanswered: number;
  /** Between two looks at a connection that has answered, in milliseconds. */
  readonly everyMs: number;
  /** Whether the connection has answered anything since then. */
  readonly hasAnswered: (sinceMs: number) => boolean;
  /** The look was answered. */
  readonly answered: () => void;
  /** Nothing answers on the connection. */
  readonly dead: () => void;
}

/**
 * Tells an accept that waits for a session, as it may for a minute, from one on a connection that is dead: the official client shows
 * neither. When the connection has answered nothing for a while, the entity's `$management` node is asked for a message (10
 * credits); whatever it answers will do.
 *
 * @returns ends the watch.
 */
export function watchAccept(watched: WatchedAccept): () => void {
  const { clock, everyMs, hasAnswered } = watched;
  const patienceMs = firstPatienceMs * 2 ** watched.unanswered;
  let isOver = false;
  let stop = (): void => undefined;
  const arm = (ms: number): void => {
    const since = clock.now();
    stop = clock.after(ms, () => {
      if (hasAnswered(since)) arm(everyMs);
      else void look();
    });
  };
  const look = async (): Promise<void> => {
    const isAlive = await ask(watched, patienceMs / 2);
    if (isOver) return;
    if (isAlive) {
      watched.answered();
      arm(everyMs);
    } else watched.dead();
  };
  arm(patienceMs / 2);
  return () => {
    isOver = true;
    stop();
  };
}

// Those who wait on one connection look together.
const looks = new WeakMap<ServiceBusClient, Promise<unknown>>();

/** Whether the service says anything, be it a refusal. */
async function ask({ client, given, clock }: WatchedAccept, withinMs: number): Promise<boolean> {
  let look = looks.get(client);
  if (look === undefined) {
    look = peek(client, given).finally(() => looks.delete(client));
    looks.set(client, look);
  }
  let isAnswered = false as boolean;
  const answered = look.then(() => {
    isAnswered = true;
  });
  await withinTime(answered, withinMs, clock);
  return isAnswered;
}

/**
 * Not aborted when nobody waits any more: whoever is behind it in the official client's line for the connection would open
 * another socket, and leave it.
 */
async function peek(client: ServiceBusClient, { entity, subscriptionName }: SessionArguments): Promise<void> {
  try {
    const receiver =
      subscriptionName === undefined
        ? client.createReceiver(entity)
        : client.createReceiver(entity, subscriptionName);
    await receiver.peekMessages(1);
    await receiver.close();
  } catch {
    // An answer, too; or the client was closed, and nobody looks.
  }
}
