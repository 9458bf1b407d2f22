/** The part of an `AbortSignal` that Holdfast relies on; `@azure/abort-controller` signals have this shape too. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Calls `listener` once when `signal` aborts (not when it already has); returns a function that stops listening. */
export function onAbort(signal: AbortSignalLike | undefined, listener: () => void): () => void {
  if (signal === undefined) return ignore;
  signal.addEventListener("abort", listener);
  return () => {
    signal.removeEventListener("abort", listener);
  };
}

/**
 * The error an aborted call rejects with: the signal's reason when that is an `AbortError` already, otherwise an
 * error of that name with the reason as its cause. Callers of the Azure clients test `error.name === "AbortError"`.
 */
export function abortErrorOf(signal: AbortSignalLike): Error {
  const { reason } = signal;
  if (reason instanceof Error && reason.name === "AbortError") return reason;
  const error = new Error("The operation was aborted.", reason === undefined ? undefined : { cause: reason });
  error.name = "AbortError";
  return error;
}

function ignore(): void {
  // Nothing was attached, so there is nothing to detach.
}
