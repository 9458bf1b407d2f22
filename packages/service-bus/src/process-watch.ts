import { emit, type Clock, type EventListener } from "@holdfast/core";
import { watchEventLoop } from "./event-loop-watch.ts";
import type { ProcessorSettings } from "./processor-options.ts";

/**
 * What a processor hears of the process it runs in: the signals that stop it, and an event loop that is late.
 *
 * @returns a function that ends it.
 */
export function watchProcess(
  { eventLoopLagMs, stopOn }: Pick<ProcessorSettings, "eventLoopLagMs" | "stopOn">,
  { clock, onEvent }: { readonly clock: Clock; readonly onEvent: EventListener | undefined },
  entityPath: string,
  stop: () => void,
): () => void {
  const stopWatching = watchEventLoop(clock, eventLoopLagMs, (lagMs) => {
    emit(onEvent, { type: "event-loop-lag", operation: "serviceBus.process", target: entityPath, lagMs });
  });
  for (const signal of stopOn) process.once(signal, stop);
  return () => {
    stopWatching();
    for (const signal of stopOn) process.off(signal, stop);
  };
}
