import type { EventEmitter } from "node:events";

/** Emits to listeners that may throw or reject: none of them ends the process, or keeps the next from hearing. */
export function emitSafely(
  emitter: EventEmitter,
  event: string,
  args: readonly unknown[],
  failed: (error: unknown) => void,
): boolean {
  // Raw: a listener of once() removes itself when it is called.
  const listeners = emitter.rawListeners(event);
  for (const listener of listeners) {
    try {
      const returned: unknown = Reflect.apply(listener, emitter, args);
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
  return listeners.length > 0;
}

/** The client's events that come from the hub or from us, and not from the application's own code. */
const fromOutside: ReadonlySet<string | symbol> = new Set([
  "message",
  "inputMessage",
  "connect",
  "disconnect",
]);

/** A client's `emit`: an "error" that nobody listens to would end the process, and so would what a listener throws. */
export function emitOf(
  emitter: EventEmitter,
  official: (event: string | symbol, ...args: unknown[]) => boolean,
  event: string | symbol,
  args: readonly unknown[],
  failed: (error: unknown) => void,
): boolean {
  if (typeof event === "string" && fromOutside.has(event)) return emitSafely(emitter, event, args, failed);
  if (event === "error" && emitter.listenerCount("error") === 0) {
    failed(args[0]);
    return false;
  }
  return official(event, ...args);
}
