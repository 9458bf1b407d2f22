import { emit, redact, type EventListener } from "@holdfast/core";

/** rhea-promise says so when the service answers neither the opening of a receiving link nor its session's end (`session.close()`). */
const leak = /^Unable to close the amqp session .* due to operation timeout\.$/;

/**
 * Keeps one known rejection of the official client from ending the process: two minutes after a receiver began to open a link
 * and the service fell silent, it rejects a promise that nobody can reach (azure-sdk-for-js#35342, #39348). Nothing is lost
 * with it. Every other unhandled rejection is treated as if this were not there.
 *
 * Opt-in, once for the process, because it listens to `unhandledRejection`: while other listeners are installed they see what
 * is not ours; with none, what is not ours is thrown, as Node does by default. Not for processes that run with
 * `--unhandled-rejections=warn` or `none`.
 *
 * ```ts
 * const stop = guardOfficialRejections(console.warn);
 * ```
 *
 * @param onEvent - hears a `handler-failed` event of operation `serviceBus.close` for each.
 * @returns a function that takes the guard away.
 */
export function guardOfficialRejections(onEvent?: EventListener): () => void {
  const listener = (reason: unknown): void => {
    if (isLeak(reason)) {
      const message = redact(reason.message);
      const fault = { kind: "timeout", id: "session-end", code: reason.name, message } as const;
      emit(onEvent, { type: "handler-failed", operation: "serviceBus.close", target: "", fault });
      return;
    }
    if (process.listenerCount("unhandledRejection") === 1) throw reason;
  };
  process.on("unhandledRejection", listener);
  return () => {
    process.off("unhandledRejection", listener);
  };
}

function isLeak(reason: unknown): reason is Error {
  return reason instanceof Error && reason.name === "OperationTimeoutError" && leak.test(reason.message);
}
