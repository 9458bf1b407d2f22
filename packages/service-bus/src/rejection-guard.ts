import { emit, redact, type EventListener } from "@holdfast/core";

/**
 * rhea-promise says so when the service does not answer the end of a session or link. The official client closes some and waits
 * for none of it: a link that was aborted while it was being opened (`_initLinkImpl`, `checkAborted`) or while it was being
 * drained, and a session whose link never opened.
 */
const leak =
  /^Unable to close the (?:amqp session|(?:receiver|sender) '[^']*' on amqp session) .* due to operation timeout\.$/;

// Guards know each other, those of other installed copies too: two must not take each other for somebody who handles the rest.
const guard = Symbol.for("holdfast/1/service-bus-rejection-guard");

/**
 * Keeps one known kind of rejection of the official client from ending the process: a minute or two after a link was given up
 * while the service was silent, it rejects a promise that nobody can reach (azure-sdk-for-js#35342, #39348). It can come after
 * `close()`, too. Nothing is lost with it. Every other unhandled rejection is treated as if this were not there.
 *
 * Opt-in, once for the process, because it listens to `unhandledRejection`: while other listeners are installed they see what
 * is not ours; with none but guards, what is not ours is thrown, as Node does by default. Not for processes that run with
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
      const fault = {
        kind: "timeout",
        id: isOfSession(reason) ? "session-end" : "link-end",
        code: reason.name,
        message,
      } as const;
      emit(onEvent, { type: "handler-failed", operation: "serviceBus.close", target: "", fault });
      return;
    }
    if (process.listeners("unhandledRejection").every((other) => guard in other)) throw reason;
  };
  Object.assign(listener, { [guard]: true });
  process.on("unhandledRejection", listener);
  return () => {
    process.off("unhandledRejection", listener);
  };
}

function isOfSession({ message }: Error): boolean {
  return message.startsWith("Unable to close the amqp session");
}

function isLeak(reason: unknown): reason is Error {
  return reason instanceof Error && reason.name === "OperationTimeoutError" && leak.test(reason.message);
}
