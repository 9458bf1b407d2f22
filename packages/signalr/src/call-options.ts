/** What becomes of calls when there is no connection, and how long they may take. */
export interface CallOptions {
  /**
   * Calls made while there is no connection: `fail` at once, as the official client does (the default); `wait` for the
   * connection and be sent then; or `queue`: methods that are declared `idempotent` wait, and are also sent again when the
   * connection is lost before the answer; all others fail.
   */
  readonly whileDown?: "fail" | "wait" | "queue";
  /** How long a call waits for a connection, in milliseconds. Default 30 000; above 0, or Infinity. */
  readonly waitTimeoutMs?: number;
  /** Calls that may wait at a time; more fail at once. Default 100; 1 or more. */
  readonly maxWaiting?: number;
  /** Hub methods that may be carried out twice, by name. Default none. */
  readonly idempotent?: readonly string[];
  /**
   * How long `invoke()` waits for its answer once sent, in milliseconds; then it rejects, and the server may have carried it
   * out. Default Infinity, as the official client has it; above 0. One for all methods, or by method, `"*"` for the rest.
   */
  readonly invokeTimeoutMs?: number | Readonly<Record<string, number>>;
}

/** {@link CallOptions}, complete. */
export interface CallSettings {
  readonly whileDown: "fail" | "wait" | "queue";
  readonly waitTimeoutMs: number;
  readonly maxWaiting: number;
  isIdempotent(method: string): boolean;
  timeoutMs(method: string): number;
  /** Calls go to the official client as they are while there is a connection. */
  readonly isPlain: boolean;
}

/** What complete options mean for a call. */
export function callSettings(options: Required<CallOptions>): CallSettings {
  const { whileDown, waitTimeoutMs, maxWaiting, idempotent, invokeTimeoutMs } = options;
  // The server tells methods apart without regard to case.
  const names = new Set(idempotent.map((name) => name.toLowerCase()));
  const given = typeof invokeTimeoutMs === "number" ? { "*": invokeTimeoutMs } : invokeTimeoutMs;
  const limits = new Map(Object.entries(given).map(([name, ms]) => [name.toLowerCase(), ms]));
  const rest = limits.get("*") ?? Infinity;
  limits.delete("*");
  return {
    ...{ whileDown, waitTimeoutMs, maxWaiting },
    isIdempotent: (method) => names.size > 0 && names.has(method.toLowerCase()),
    timeoutMs: limits.size === 0 ? () => rest : (method) => limits.get(method.toLowerCase()) ?? rest,
    isPlain: whileDown !== "queue" && limits.size === 0 && rest === Infinity,
  };
}
