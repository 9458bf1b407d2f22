import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from "@azure/service-bus";
import type { Clock } from "@holdfast/core";
import { lockSignal } from "./lock.ts";
import { MessageWork, type Handler, type Workplace } from "./message-work.ts";
import type { ProcessorSettings } from "./processor-options.ts";

/** The session that a message belongs to. */
export interface ProcessedSession {
  readonly id: string;
  /** What `setState` stored last; undefined when there is nothing. */
  getState(): Promise<unknown>;
  setState(state: unknown): Promise<void>;
}

/** What a handler of a session processor has beside the message. */
export interface SessionContext {
  readonly session: ProcessedSession;
}

/** Why the work on a session ended. `again`: it is ours no more and there was work left; accept it again. */
export type SessionEnd = "idle" | "again" | "stopped";

/** What the work on one session needs. */
export interface SessionPlace extends Omit<
  Workplace<SessionContext>,
  "settler" | "letGo" | "extra" | "holdsAside" | "entityPath"
> {
  readonly receiver: ServiceBusSessionReceiver;
  readonly calls: number;
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  /** Aborts when no more messages are to be taken. */
  readonly closing: AbortSignal;
  /** Called whenever the handler has done its work on a message. */
  readonly handled: () => void;
}

/**
 * Hands the messages of one session to the handler, in order with one call at a time, until none has come for a while, the
 * session is lost, or the processor stops.
 */
export async function serveSession(
  handler: Handler<SessionContext>,
  settings: ProcessorSettings,
  place: SessionPlace,
): Promise<SessionEnd> {
  const { receiver, clock, idleTimeoutMs, calls, closing } = place;
  const handling = new Set<Promise<unknown>>();
  let end: (how: SessionEnd) => void = () => undefined;
  const ended = new Promise<SessionEnd>((resolve) => {
    end = resolve;
  });
  const work = new MessageWork<SessionContext>(handler, settings, {
    ...place,
    entityPath: receiver.entityPath,
    settler: receiver,
    // Only the end of the session brings back what could not be settled, and nothing behind it may be handled before.
    letGo: () => {
      end("again");
    },
    extra: {
      session: {
        id: receiver.sessionId,
        getState: () => receiver.getSessionState(),
        setState: (state) => receiver.setSessionState(state),
      },
    },
    holdsAside: false,
  });
  let stopIdling = (): void => undefined;
  const idle = (): void => {
    stopIdling();
    stopIdling = clock.after(idleTimeoutMs, () => {
      end("idle");
    });
  };
  const lost = lockSignal(receiver);
  const isOver = { now: false };
  const take = async (message: ServiceBusReceivedMessage): Promise<void> => {
    stopIdling();
    // Behind a message that comes again, its successors are not handled.
    if (isOver.now) return;
    const processing = work.process(message);
    handling.add(processing);
    if (await processing.finally(() => handling.delete(processing))) place.handled();
    if (handling.size === 0) idle();
  };
  const hears = (signal: AbortSignal, how: SessionEnd): (() => void) => {
    const tell = (): void => {
      end(how);
    };
    signal.addEventListener("abort", tell);
    if (signal.aborted) tell();
    return () => {
      signal.removeEventListener("abort", tell);
    };
  };
  const unhear = [hears(lost, "again"), hears(closing, "stopped")];
  const subscription = receiver.subscribe(
    {
      processMessage: take,
      // The session's end is heard of by its lock.
      processError: ({ error }) => {
        settings.onError(error);
        return Promise.resolve();
      },
    },
    { autoCompleteMessages: false, maxConcurrentCalls: calls },
  );
  idle();
  const how = await ended;
  isOver.now = true;
  stopIdling();
  for (const stop of unhear) stop();
  await subscription.close().catch(() => undefined);
  while (handling.size > 0) await Promise.all(handling);
  await receiver.close().catch(() => undefined);
  return how;
}
